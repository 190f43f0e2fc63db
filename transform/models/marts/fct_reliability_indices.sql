with
    days as (select * from {{ ref("fct_reliability_daily") }}),
    thresholds as (select * from {{ ref("fct_major_event_threshold") }}),
    repeats as (select * from {{ ref("fct_repeated_interruption") }}),
    judged as (
        select
            days.network_id,
            thresholds.calendar_year,
            days.local_date,
            days.day_minutes,
            days.customers_served_count,
            days.sustained_customers_count,
            days.customer_minutes_out,
            days.momentary_customer_events_count,
            days.planned_sustained_customers_count,
            days.planned_customer_minutes_out,
            days.open_step_count,
            days.uncounted_step_count,
            thresholds.threshold_saidi_minutes,
            thresholds.missing_reason,
            coalesce(
                days.saidi_minutes > thresholds.threshold_saidi_minutes, false
            ) as is_major_event_day,
            days.is_fallback or thresholds.is_fallback as is_fallback
        from days
        inner join
            thresholds
            on days.network_id = thresholds.network_id
            and year(days.local_date) = thresholds.calendar_year
    ),
    -- The same year twice: with all its days, and without the major-event days.
    scenarios as (select unnest([false, true]) as is_major_days_excluded),
    summed as (
        select
            judged.network_id,
            judged.calendar_year,
            scenarios.is_major_days_excluded,
            cast(count(*) as integer) as day_count,
            cast(sum(judged.day_minutes) as double) as period_minutes,
            max(judged.customers_served_count) as customers_served_count,
            sum(judged.sustained_customers_count) as sustained_customers_count,
            {{ exact_sum("judged.customer_minutes_out") }} as customer_minutes_out,
            sum(judged.momentary_customer_events_count) as momentary_customer_events_count,
            sum(judged.planned_sustained_customers_count) as planned_sustained_customers_count,
            {{ exact_sum("judged.planned_customer_minutes_out") }} as planned_customer_minutes_out,
            cast(sum(judged.open_step_count) as integer) as open_step_count,
            cast(sum(judged.uncounted_step_count) as integer) as uncounted_step_count,
            bool_or(judged.is_fallback) as is_fallback
        from judged
        cross join scenarios
        where not (scenarios.is_major_days_excluded and judged.is_major_event_day)
        group by judged.network_id, judged.calendar_year, scenarios.is_major_days_excluded
    ),
    majors as (
        select
            network_id,
            calendar_year,
            min(threshold_saidi_minutes) as threshold_saidi_minutes,
            min(missing_reason) as missing_reason,
            cast(count(*) filter (where is_major_event_day) as integer) as major_event_day_count
        from judged
        group by network_id, calendar_year
    ),
    -- Without a threshold nobody can say what the year would be without its major days.
    described as (
        select
            summed.network_id,
            summed.calendar_year,
            summed.is_major_days_excluded,
            summed.day_count,
            summed.period_minutes,
            case
                when not summed.is_major_days_excluded or majors.missing_reason is null
                then summed.customers_served_count
            end as judged_customers_count,
            summed.customers_served_count,
            summed.sustained_customers_count,
            summed.customer_minutes_out,
            summed.momentary_customer_events_count,
            summed.planned_sustained_customers_count,
            summed.planned_customer_minutes_out,
            majors.threshold_saidi_minutes,
            case
                when majors.missing_reason is null then majors.major_event_day_count
            end as major_event_day_count,
            case
                when summed.customers_served_count is null
                then 'customers served are not known'
                when summed.is_major_days_excluded
                then majors.missing_reason
            end as missing_reason,
            summed.open_step_count,
            summed.uncounted_step_count,
            summed.is_fallback
        from summed
        inner join
            majors
            on summed.network_id = majors.network_id
            and summed.calendar_year = majors.calendar_year
    ),
    facts as (
        select
            described.network_id,
            described.calendar_year,
            described.is_major_days_excluded,
            described.day_count,
            described.customers_served_count,
            described.customer_minutes_out / described.judged_customers_count as saidi_minutes,
            described.sustained_customers_count / described.judged_customers_count as saifi,
            case
                when described.judged_customers_count is not null
                then described.customer_minutes_out / nullif(described.sustained_customers_count, 0)
            end as caidi_minutes,
            1
            - described.customer_minutes_out
            / (described.judged_customers_count * described.period_minutes) as asai_share,
            described.momentary_customer_events_count / described.judged_customers_count as maifi_e,
            repeats.cemi_3_share,
            repeats.cemi_5_share,
            described.planned_customer_minutes_out
            / described.judged_customers_count as planned_saidi_minutes,
            described.planned_sustained_customers_count
            / described.judged_customers_count as planned_saifi,
            described.threshold_saidi_minutes,
            described.major_event_day_count,
            described.missing_reason,
            coalesce(repeats.missing_reason, described.missing_reason) as cemi_missing_reason,
            described.open_step_count,
            described.uncounted_step_count,
            described.is_fallback
        from described
        left join
            repeats
            on described.network_id = repeats.network_id
            and described.calendar_year = repeats.calendar_year
            and described.is_major_days_excluded = repeats.is_major_days_excluded
    )
select *
from facts
