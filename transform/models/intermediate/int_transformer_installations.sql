with
    numbered as (select * from {{ ref("int_transformer_units_numbered") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    substations as (select * from {{ ref("int_gis_substations_deduplicated") }}),
    -- A missing or orphan substation is taken from the feeder; a missing station leaves the
    -- network's mean weather.
    placed as (
        select
            numbered.network_id,
            numbered.asset_id,
            cast(numbered.installation_number as integer) as installation_number,
            coalesce(
                own.substation_id, by_feeder.substation_id, numbered.substation_id
            ) as substation_id,
            numbered.feeder_id,
            coalesce(
                own.station_id, by_feeder.station_id, '{{ var("network_area_id") }}'
            ) as area_id,
            numbered.manufacturer,
            numbered.rated_mva,
            numbered.is_rated_in_kva,
            numbered.rated_top_oil_rise_k,
            numbered.cooling_code,
            numbered.installed_on,
            numbered.retired_on,
            numbered.failed_at,
            least(
                cast(numbered.retired_on as timestamptz),
                cast(numbered.next_installed_on as timestamptz),
                numbered.failed_at
            ) as out_of_service_at,
            numbered.latitude,
            numbered.longitude,
            numbered.installation_number = 1 as is_current,
            numbered.is_asset_id_reused,
            own.substation_id is null
            and numbered.substation_id is not null as is_substation_orphan,
            numbered._is_fallback as is_fallback
        from numbered
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
