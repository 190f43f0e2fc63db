with
    transformers as (select * from {{ ref("stg_eam__transformers") }}),
    usable as (
        select
            network_id,
            asset_id,
            installed_on,
            substation_id,
            feeder_id,
            manufacturer,
            rated_mva,
            rated_top_oil_rise_k,
            cooling_code,
            retired_on,
            updated_at,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            coalesce(updated_at, _ingested_at) as known_from
        from transformers
        where {{ quarantine_reason("eam_transformers") }} is null
    ),
    -- One version per instant; the latest landed wins.
    distinct_instants as (
        select
            network_id,
            asset_id,
            installed_on,
            substation_id,
            feeder_id,
            manufacturer,
            rated_mva,
            rated_top_oil_rise_k,
            cooling_code,
            retired_on,
            known_from,
            _source,
            _is_fallback
        from usable
        qualify
            row_number() over (
                partition by network_id, asset_id, installed_on, known_from
                order by {{ latest_first("eam_transformers") }}
            )
            = 1
    ),
    -- A version that says the same as the one before is no change.
    changed as (
        select
            network_id,
            asset_id,
            installed_on,
            substation_id,
            feeder_id,
            manufacturer,
            rated_mva,
            rated_top_oil_rise_k,
            cooling_code,
            retired_on,
            known_from,
            _is_fallback
        from distinct_instants
        qualify
            hash(
                substation_id,
                feeder_id,
                manufacturer,
                rated_mva,
                rated_top_oil_rise_k,
                cooling_code,
                retired_on
            ) is distinct from lag(
                hash(
                    substation_id,
                    feeder_id,
                    manufacturer,
                    rated_mva,
                    rated_top_oil_rise_k,
                    cooling_code,
                    retired_on
                )
            ) over (partition by network_id, asset_id, installed_on order by known_from)
    ),
    -- A register is delivered whole: a unit that a later load of its source lacks was deleted.
    loads as (
        select network_id, _source, _load_id, min(_ingested_at) as loaded_at
        from usable
        group by network_id, _source, _load_id
    ),
    last_seen as (
        select network_id, asset_id, installed_on, _source, max(_ingested_at) as last_loaded_at
        from usable
        group by network_id, asset_id, installed_on, _source
    ),
    deleted as (
        select
            last_seen.network_id,
            last_seen.asset_id,
            last_seen.installed_on,
            min(loads.loaded_at) as deleted_at
        from last_seen
        inner join
            loads
            on last_seen.network_id = loads.network_id
            and last_seen._source = loads._source
            and last_seen.last_loaded_at < loads.loaded_at
        group by last_seen.network_id, last_seen.asset_id, last_seen.installed_on
    ),
    versioned as (
        select
            changed.network_id,
            changed.asset_id,
            changed.installed_on,
            cast(
                row_number() over (
                    partition by changed.network_id, changed.asset_id, changed.installed_on
                    order by changed.known_from
                ) as integer
            ) as version_number,
            changed.known_from,
            coalesce(
                lead(changed.known_from) over (
                    partition by changed.network_id, changed.asset_id, changed.installed_on
                    order by changed.known_from
                ),
                deleted.deleted_at
            ) as known_to,
            changed.substation_id,
            changed.feeder_id,
            changed.manufacturer,
            changed.rated_mva,
            changed.rated_top_oil_rise_k,
            changed.cooling_code,
            changed.retired_on,
            deleted.deleted_at is not null as is_deleted,
            changed._is_fallback as is_fallback
        from changed
        left join
            deleted
            on changed.network_id = deleted.network_id
            and changed.asset_id = deleted.asset_id
            and changed.installed_on is not distinct from deleted.installed_on
    )
select *
from versioned
