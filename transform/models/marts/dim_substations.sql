with
    substations as (select * from {{ ref("int_gis_substations_deduplicated") }}),
    dimension as (
        select
            network_id,
            substation_id,
            substation_name,
            station_id,
            primary_voltage_kv,
            latitude,
            longitude,
            _is_fallback as is_fallback
        from substations
    )
select *
from dimension
