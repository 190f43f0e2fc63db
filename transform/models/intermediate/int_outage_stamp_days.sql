with
    events as (select * from {{ ref("int_outage_events_localised") }}),
    customers_out as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    -- A day is covered when something became known on it; a start may lie long before the feed did.
    stamps as (
        select network_id, known_at as stamp_at
        from events
        union all
        select network_id, observed_at as stamp_at
        from customers_out
    ),
    stamp_days as (
        select distinct
            stamps.network_id,
            cast(timezone(networks.time_zone, stamps.stamp_at) as date) as local_date
        from stamps
        inner join networks on stamps.network_id = networks.network_id
    )
select *
from stamp_days
