with
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    outage_days as (select * from {{ ref("int_customers_out_outage_days") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    events as (
        select
            network_id,
            feeder_id,
            outage_id,
            started_at,
            coalesce(first_known_at, started_at) as known_at,
            restored_at,
            customers_out_count,
            is_planned,
            is_fallback
        from outages
        where feeder_id is not null
        union all
        select
            network_id,
            feeder_id,
            'outage-day-' || cast(outage_date as varchar) as outage_id,
            started_at,
            started_at as known_at,
            cast(null as timestamptz) as restored_at,
            customers_out_count,
            false as is_planned,
            is_fallback
        from outage_days
    ),
    localised as (
        select
            events.network_id,
            events.feeder_id,
            events.outage_id,
            events.started_at,
            cast(timezone(networks.time_zone, events.started_at) as date) as outage_date,
            events.known_at,
            events.restored_at,
            events.customers_out_count,
            events.is_planned,
            events.is_fallback
        from events
        inner join networks on events.network_id = networks.network_id
    )
select *
from localised
