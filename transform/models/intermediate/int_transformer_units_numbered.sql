with
    transformers as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    failures as (select * from {{ ref("int_transformer_failures_merged") }}),
    -- An asset id used again for a later unit ends the earlier one.
    numbered as (
        select
            network_id,
            asset_id,
            substation_id,
            feeder_id,
            manufacturer,
            case
                when rated_mva > {{ var("rated_maximum_mva") }}
                then rated_mva / 1000
                when rated_mva > 0
                then rated_mva
            end as rated_mva,
            coalesce(rated_mva > {{ var("rated_maximum_mva") }}, false) as is_rated_in_kva,
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
            ) as installation_number,
            count(*) over (partition by network_id, asset_id) > 1 as is_asset_id_reused
        from transformers
    ),
    -- First failure after the installation day; the unit is out of service from then on.
    first_failures as (
        select
            numbered.network_id,
            numbered.asset_id,
            numbered.installation_number,
            min(failures.failed_at) as failed_at
        from numbered
        inner join
            failures
            on numbered.network_id = failures.network_id
            and numbered.asset_id = failures.asset_id
            and failures.failed_at >= coalesce(numbered.installed_on, date '1900-01-01')
            and failures.failed_at < coalesce(numbered.next_installed_on, date '9999-01-01')
        group by numbered.network_id, numbered.asset_id, numbered.installation_number
    ),
    with_failures as (
        select
            numbered.network_id,
            numbered.asset_id,
            numbered.installation_number,
            numbered.substation_id,
            numbered.feeder_id,
            numbered.manufacturer,
            numbered.rated_mva,
            numbered.is_rated_in_kva,
            numbered.rated_top_oil_rise_k,
            numbered.cooling_code,
            numbered.installed_on,
            numbered.retired_on,
            numbered.next_installed_on,
            numbered.latitude,
            numbered.longitude,
            numbered.is_asset_id_reused,
            first_failures.failed_at,
            numbered._is_fallback
        from numbered
        left join
            first_failures
            on numbered.network_id = first_failures.network_id
            and numbered.asset_id = first_failures.asset_id
            and numbered.installation_number = first_failures.installation_number
    )
select *
from with_failures
