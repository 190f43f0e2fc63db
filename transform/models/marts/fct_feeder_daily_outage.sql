with
    events as (select * from {{ ref("int_outage_events_localised") }}),
    days as (select * from {{ ref("int_outage_days_spined") }}),
    feeders as (select * from {{ ref("int_feeders_resolved") }}),
    -- Every feeder of a network that reports outages, every day the feed was alive: zero is a
    -- fact too.
    feeder_days as (
        select
            feeders.network_id,
            feeders.feeder_id,
            days.outage_date,
            days.valid_at as day_start_at,
            feeders.is_fallback
        from days
        inner join feeders on days.network_id = feeders.network_id
        where not days.is_live
    ),
    counted as (
        select
            network_id,
            feeder_id,
            outage_date,
            cast(count(*) filter (where not is_planned) as integer) as outage_count,
            cast(count(*) filter (where is_planned) as integer) as planned_outage_count,
            cast(
                coalesce(sum(customers_out_count) filter (where not is_planned), 0) as integer
            ) as customers_out_count,
            coalesce(
                {{
                    exact_sum(
                        "customers_out_count * date_diff('second', started_at, restored_at) / 60.0",
                        "not is_planned",
                    )
                }},
                0
            ) as customer_minutes_out,
            bool_or(is_fallback) as is_fallback
        from events
        group by network_id, feeder_id, outage_date
    ),
    facts as (
        select
            feeder_days.network_id,
            feeder_days.feeder_id,
            feeder_days.outage_date,
            feeder_days.day_start_at,
            coalesce(counted.outage_count, 0) as outage_count,
            coalesce(counted.planned_outage_count, 0) as planned_outage_count,
            coalesce(counted.customers_out_count, 0) as customers_out_count,
            coalesce(counted.customer_minutes_out, 0) as customer_minutes_out,
            feeder_days.is_fallback or coalesce(counted.is_fallback, false) as is_fallback
        from feeder_days
        left join
            counted
            on feeder_days.network_id = counted.network_id
            and feeder_days.feeder_id = counted.feeder_id
            and feeder_days.outage_date = counted.outage_date
    )
select *
from facts
