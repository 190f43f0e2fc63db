with
    readings as (select * from {{ ref("int_oms_customers_out_readings_screened") }}),
    feeders as (select * from {{ ref("int_feeders_resolved") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    localised as (
        select
            readings.network_id,
            readings.feeder_id,
            readings.observed_at,
            cast(timezone(networks.time_zone, readings.observed_at) as date) as outage_date,
            readings.customers_out_count,
            readings.customers_out_count
            >= {{ var("outage_day_customer_share") }} * feeders.customers_count as is_outage,
            readings._is_fallback
        from readings
        inner join networks on readings.network_id = networks.network_id
        inner join
            feeders
            on readings.network_id = feeders.network_id
            and readings.feeder_id = feeders.feeder_id
        where not readings.is_forward_filled
    ),
    -- Counts stand in for outage records: a day whose peak reaches the share is one outage.
    outage_days as (
        select
            network_id,
            feeder_id,
            outage_date,
            min(observed_at) filter (where is_outage) as started_at,
            max(customers_out_count) as customers_out_count,
            bool_or(_is_fallback) as is_fallback
        from localised
        group by network_id, feeder_id, outage_date
        having coalesce(bool_or(is_outage), false)
    )
select *
from outage_days
