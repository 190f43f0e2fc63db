with
    gis_feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    substations as (select * from {{ ref("int_gis_substations_deduplicated") }}),
    customers as (select * from {{ ref("int_cis_customers_placed") }}),
    feeder_customers as (select * from {{ ref("int_cis_feeder_customers_deduplicated") }}),
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    customers_out as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    -- A feeder exists when the map or the outage system names it; a mere customer count (a county
    -- of
    -- a nationwide list) does not make one.
    named as (
        select network_id, feeder_id, _is_fallback as is_fallback
        from gis_feeders
        union all
        select network_id, feeder_id, is_fallback
        from outages
        union all
        select network_id, feeder_id, _is_fallback as is_fallback
        from customers_out
    ),
    feeders as (
        select network_id, feeder_id, bool_or(is_fallback) as is_fallback
        from named
        where feeder_id is not null
        group by network_id, feeder_id
    ),
    counted as (
        select
            network_id,
            feeder_id,
            cast(count(*) as integer) as customers_count,
            cast(count(*) filter (where is_critical) as integer) as critical_customers_count
        from customers
        where feeder_id is not null
        group by network_id, feeder_id
    ),
    resolved as (
        select
            feeders.network_id,
            feeders.feeder_id,
            gis_feeders.substation_id,
            coalesce(substations.station_id, '{{ var("network_area_id") }}') as area_id,
            gis_feeders.voltage_kv,
            gis_feeders.rated_mw,
            gis_feeders.length_km,
            gis_feeders.overhead_share,
            gis_feeders.vegetation_index,
            coalesce(counted.customers_count, feeder_customers.customers_count) as customers_count,
            coalesce(counted.critical_customers_count, 0) as critical_customers_count,
            gis_feeders.latitude,
            gis_feeders.longitude,
            gis_feeders.feeder_id is not null as is_in_gis,
            gis_feeders.substation_id is not null
            and substations.substation_id is null as is_substation_orphan,
            feeders.is_fallback
        from feeders
        left join
            gis_feeders
            on feeders.network_id = gis_feeders.network_id
            and feeders.feeder_id = gis_feeders.feeder_id
        left join
            substations
            on gis_feeders.network_id = substations.network_id
            and gis_feeders.substation_id = substations.substation_id
        left join
            counted
            on feeders.network_id = counted.network_id
            and feeders.feeder_id = counted.feeder_id
        left join
            feeder_customers
            on feeders.network_id = feeder_customers.network_id
            and feeders.feeder_id = feeder_customers.feeder_id
    )
select *
from resolved
