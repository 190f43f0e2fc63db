with
    switches as (select * from {{ ref("int_gis_switches_deduplicated") }}),
    dimension as (
        select
            network_id,
            switch_id,
            feeder_id,
            switch_type,
            latitude,
            longitude,
            is_normally_open,
            is_remote_controlled,
            _is_fallback as is_fallback
        from switches
    )
select *
from dimension
