with
    transformers as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    substations as (select * from {{ ref("int_gis_substations_deduplicated") }}),
    failures as (select * from {{ ref("int_transformer_failures_merged") }}),
    -- An asset id used again for a later unit ends the earlier one.
    numbered as (
        select
            network_id,
            asset_id,
            substation_id,
            feeder_id,
            manufacturer,
            case when rated_mva > 0 then rated_mva end as rated_mva,
            case
                when rated_top_oil_rise_k > 0 then rated_top_oil_rise_k
            end as rated_top_oil_rise_k,
            cooling_code,
            installed_on,
            case
                when retired_on >= installed_on or installed_on is null then retired_on
            end as retired_on,
            latitude,
            longitude,
            updated_at,
            _is_fallback,
            lead(installed_on) over (
                partition by network_id, asset_id order by installed_on nulls first
            ) as next_installed_on,
            row_number() over (
                partition by network_id, asset_id order by installed_on desc nulls last
            ) as recency,
            count(*) over (partition by network_id, asset_id) > 1 as is_asset_id_reused
        from transformers
    ),
    -- First failure after the installation day; the unit is out of service from then on.
    first_failures as (
        select
            numbered.network_id,
            numbered.asset_id,
            numbered.recency,
            min(failures.failed_at) as failed_at
        from numbered
        inner join
            failures
            on numbered.network_id = failures.network_id
            and numbered.asset_id = failures.asset_id
            and failures.failed_at >= coalesce(numbered.installed_on, date '1900-01-01')
            and failures.failed_at < coalesce(numbered.next_installed_on, date '9999-01-01')
        group by numbered.network_id, numbered.asset_id, numbered.recency
    ),
    -- A missing or orphan substation is taken from the feeder; a missing station leaves the
    -- network's mean weather.
    placed as (
        select
            numbered.network_id,
            numbered.asset_id,
            coalesce(
                own.substation_id, by_feeder.substation_id, numbered.substation_id
            ) as substation_id,
            numbered.feeder_id,
            coalesce(
                own.station_id, by_feeder.station_id, '{{ var("network_area_id") }}'
            ) as area_id,
            numbered.manufacturer,
            numbered.rated_mva,
            numbered.rated_top_oil_rise_k,
            numbered.cooling_code,
            numbered.installed_on,
            numbered.retired_on,
            first_failures.failed_at,
            least(
                cast(numbered.retired_on as timestamptz),
                cast(numbered.next_installed_on as timestamptz),
                first_failures.failed_at
            ) as out_of_service_at,
            numbered.latitude,
            numbered.longitude,
            numbered.recency = 1 as is_current,
            numbered.is_asset_id_reused,
            own.substation_id is null
            and numbered.substation_id is not null as is_substation_orphan,
            numbered._is_fallback as is_fallback
        from numbered
        left join
            first_failures
            on numbered.network_id = first_failures.network_id
            and numbered.asset_id = first_failures.asset_id
            and numbered.recency = first_failures.recency
        left join
            feeders
            on numbered.network_id = feeders.network_id
            and numbered.feeder_id = feeders.feeder_id
        left join
            substations as own
            on numbered.network_id = own.network_id
            and numbered.substation_id = own.substation_id
        left join
            substations as by_feeder
            on feeders.network_id = by_feeder.network_id
            and feeders.substation_id = by_feeder.substation_id
    )
select *
from placed
