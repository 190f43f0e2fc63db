with
    days as (select * from {{ ref("fct_reliability_daily") }}),
    years as (
        select distinct network_id, cast(year(local_date) as integer) as calendar_year from days
    ),
    -- Up to five whole years before; this year's days do not judge themselves.
    history as (
        select
            years.network_id,
            years.calendar_year,
            case when days.saidi_minutes > 0 then ln(days.saidi_minutes) end as log_saidi,
            days.network_id is not null as is_known_day,
            coalesce(days.is_fallback, false) as is_fallback
        from years
        left join
            days
            on years.network_id = days.network_id
            and days.local_date
            >= make_date(years.calendar_year - {{ var("major_event_history_years") }}, 1, 1)
            and days.local_date < make_date(years.calendar_year, 1, 1)
    ),
    -- Sums in decimals: the order in which threads add must not show.
    averaged as (
        select
            network_id,
            calendar_year,
            cast(count(*) filter (where is_known_day) as integer) as history_day_count,
            cast(count(log_saidi) as integer) as interrupted_day_count,
            cast(sum(cast(log_saidi as decimal(38, 15))) as double)
            / nullif(count(log_saidi), 0) as alpha,
            bool_or(is_fallback) as is_fallback
        from history
        group by network_id, calendar_year
    ),
    spread as (
        select
            history.network_id,
            history.calendar_year,
            sqrt(
                cast(
                    sum(
                        cast(pow(history.log_saidi - averaged.alpha, 2) as decimal(38, 15))
                    ) as double
                )
                / nullif(count(history.log_saidi) - 1, 0)
            ) as beta
        from history
        inner join
            averaged
            on history.network_id = averaged.network_id
            and history.calendar_year = averaged.calendar_year
        group by history.network_id, history.calendar_year
    ),
    judged as (
        select
            averaged.network_id,
            averaged.calendar_year,
            averaged.history_day_count,
            averaged.interrupted_day_count,
            averaged.alpha,
            spread.beta,
            case
                when averaged.history_day_count < {{ var("major_event_minimum_days") }}
                then
                    printf(
                        'too little history: %d of %d days',
                        averaged.history_day_count,
                        {{ var("major_event_minimum_days") }}
                    )
                when averaged.interrupted_day_count < 2
                then
                    printf(
                        '%d days with a known SAIDI above zero before; 2 are needed',
                        averaged.interrupted_day_count
                    )
            end as missing_reason,
            averaged.is_fallback
        from averaged
        inner join
            spread
            on averaged.network_id = spread.network_id
            and averaged.calendar_year = spread.calendar_year
    ),
    -- IEEE 1366-2012, 3.5: T_MED = exp(alpha + 2.5 beta).
    facts as (
        select
            network_id,
            calendar_year,
            history_day_count,
            interrupted_day_count,
            alpha,
            beta,
            case
                when missing_reason is null
                then exp(alpha + {{ var("major_event_beta_multiple") }} * beta)
            end as threshold_saidi_minutes,
            missing_reason,
            is_fallback
        from judged
    )
select *
from facts
