with
    feeders as (select * from {{ ref("int_feeders_resolved") }}),
    dimension as (
        select
            network_id,
            feeder_id,
            substation_id,
            voltage_kv,
            rated_mw,
            length_km,
            overhead_share,
            vegetation_index,
            customers_count,
            critical_customers_count,
            latitude,
            longitude,
            is_in_gis,
            is_substation_orphan,
            is_fallback
        from feeders
    )
select *
from dimension
