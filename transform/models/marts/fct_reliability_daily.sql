with
    steps as (select * from {{ ref("fct_outage_restoration_step") }}),
    momentary_events as (select * from {{ ref("int_momentary_events_grouped") }}),
    days as (select * from {{ ref("int_outage_days_spined") }}),
    feeders as (select * from {{ ref("int_feeders_resolved") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    recording_networks as (select distinct network_id from steps),
    -- Days the feed covers, also quiet ones, and the begun day an outage may lie on. A network that
    -- only counts customers out has no interruptions to count.
    known_days as (
        select days.network_id, days.outage_date as local_date
        from days
        semi join recording_networks on days.network_id = recording_networks.network_id
        where not days.is_live
        union
        select network_id, local_date
        from steps
    ),
    served as (
        select network_id, cast(sum(customers_count) as integer) as customers_served_count
        from feeders
        group by network_id
    ),
    -- All minutes of an interruption count on the day it began (IEEE 1366-2012, 5.2).
    interrupted as (
        select
            network_id,
            local_date,
            sum(customers_restored_count) filter (
                where interruption_type <> 'momentary' and not is_planned
            ) as sustained_customers_count,
            {{
                exact_sum(
                    "customer_minutes_out", "interruption_type = 'sustained' and not is_planned"
                )
            }} as customer_minutes_out,
            sum(customers_restored_count) filter (
                where interruption_type <> 'momentary' and is_planned
            ) as planned_sustained_customers_count,
            {{
                exact_sum(
                    "customer_minutes_out", "interruption_type = 'sustained' and is_planned"
                )
            }} as planned_customer_minutes_out,
            count(*) filter (where interruption_type = 'open') as open_step_count,
            count(*) filter (where customers_restored_count is null) as uncounted_step_count,
            bool_or(is_fallback) as is_fallback
        from steps
        group by network_id, local_date
    ),
    momentary as (
        select
            network_id,
            local_date,
            sum(customers_count) filter (where not is_planned) as momentary_customer_events_count,
            sum(customers_count) filter (
                where is_planned
            ) as planned_momentary_customer_events_count
        from momentary_events
        where not is_before_lockout
        group by network_id, local_date
    ),
    joined as (
        select
            known_days.network_id,
            known_days.local_date,
            cast(
                date_diff(
                    'minute',
                    timezone(networks.time_zone, cast(known_days.local_date as timestamp)),
                    timezone(
                        networks.time_zone,
                        cast(known_days.local_date as timestamp) + interval 1 day
                    )
                ) as integer
            ) as day_minutes,
            nullif(served.customers_served_count, 0) as customers_served_count,
            cast(
                coalesce(interrupted.sustained_customers_count, 0) as bigint
            ) as sustained_customers_count,
            coalesce(interrupted.customer_minutes_out, 0) as customer_minutes_out,
            cast(
                coalesce(momentary.momentary_customer_events_count, 0) as bigint
            ) as momentary_customer_events_count,
            cast(
                coalesce(interrupted.planned_sustained_customers_count, 0) as bigint
            ) as planned_sustained_customers_count,
            coalesce(interrupted.planned_customer_minutes_out, 0) as planned_customer_minutes_out,
            cast(
                coalesce(momentary.planned_momentary_customer_events_count, 0) as bigint
            ) as planned_momentary_customer_events_count,
            cast(coalesce(interrupted.open_step_count, 0) as integer) as open_step_count,
            cast(coalesce(interrupted.uncounted_step_count, 0) as integer) as uncounted_step_count,
            coalesce(interrupted.is_fallback, false) as is_fallback
        from known_days
        inner join networks on known_days.network_id = networks.network_id
        left join served on known_days.network_id = served.network_id
        left join
            interrupted
            on known_days.network_id = interrupted.network_id
            and known_days.local_date = interrupted.local_date
        left join
            momentary
            on known_days.network_id = momentary.network_id
            and known_days.local_date = momentary.local_date
    ),
    facts as (
        select
            network_id,
            local_date,
            day_minutes,
            customers_served_count,
            sustained_customers_count,
            customer_minutes_out,
            momentary_customer_events_count,
            customer_minutes_out / customers_served_count as saidi_minutes,
            sustained_customers_count / customers_served_count as saifi,
            momentary_customer_events_count / customers_served_count as maifi_e,
            planned_sustained_customers_count,
            planned_customer_minutes_out,
            planned_momentary_customer_events_count,
            planned_customer_minutes_out / customers_served_count as planned_saidi_minutes,
            planned_sustained_customers_count / customers_served_count as planned_saifi,
            planned_momentary_customer_events_count / customers_served_count as planned_maifi_e,
            open_step_count,
            uncounted_step_count,
            is_fallback
        from joined
    )
select *
from facts
