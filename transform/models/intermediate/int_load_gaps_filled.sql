with
    screened as (select * from {{ ref("int_load_readings_screened") }}),
    valued as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw as raw_load_mw,
            case when flag_code is null then load_mw end as good_load_mw,
            flag_code,
            operator_forecast_mw,
            published_flag_code,
            greatest(interval_start_at + to_minutes(interval_minutes), received_at) as known_at,
            _load_id,
            is_fallback
        from screened
    ),
    good as (
        select network_id, series_id, interval_start_at, good_load_mw, known_at
        from valued
        where good_load_mw is not null
    ),
    bounded as (
        select
            network_id,
            series_id,
            interval_start_at,
            last_value(
                case when good_load_mw is not null then interval_start_at end ignore nulls
            ) over before_gap as previous_at,
            last_value(good_load_mw ignore nulls) over before_gap as previous_load_mw,
            first_value(
                case when good_load_mw is not null then interval_start_at end ignore nulls
            ) over after_gap as next_at,
            first_value(good_load_mw ignore nulls) over after_gap as next_load_mw,
            first_value(
                case when good_load_mw is not null then known_at end ignore nulls
            ) over after_gap as next_known_at
        from valued
        window
            before_gap as (
                partition by network_id, series_id
                order by interval_start_at
                rows between unbounded preceding and current row
            ),
            after_gap as (
                partition by network_id, series_id
                order by interval_start_at
                rows between current row and unbounded following
            )
    ),
    gaps as (
        select
            valued.network_id,
            valued.series_id,
            valued.interval_start_at,
            case
                when
                    bounded.next_at - bounded.previous_at - to_minutes(valued.interval_minutes)
                    <= interval ({{ var("imputation_linear_hours") }}) hour
                then
                    bounded.previous_load_mw
                    + (bounded.next_load_mw - bounded.previous_load_mw)
                    * (epoch(valued.interval_start_at) - epoch(bounded.previous_at))
                    / (epoch(bounded.next_at) - epoch(bounded.previous_at))
            end as linear_load_mw,
            bounded.next_known_at
        from valued
        inner join
            bounded
            on valued.network_id = bounded.network_id
            and valued.series_id = bounded.series_id
            and valued.interval_start_at = bounded.interval_start_at
        where valued.good_load_mw is null
    ),
    -- Longer gaps: the same hour a week before and after, their mean when both are good.
    filled as (
        select
            gaps.network_id,
            gaps.series_id,
            gaps.interval_start_at,
            case
                when gaps.linear_load_mw is not null
                then gaps.linear_load_mw
                when week_before.good_load_mw is not null and week_after.good_load_mw is not null
                then (week_before.good_load_mw + week_after.good_load_mw) / 2
                else coalesce(week_before.good_load_mw, week_after.good_load_mw)
            end as imputed_load_mw,
            case
                when gaps.linear_load_mw is not null
                then gaps.next_known_at
                else greatest(week_before.known_at, week_after.known_at)
            end as imputed_known_at
        from gaps
        left join
            good as week_before
            on gaps.network_id = week_before.network_id
            and gaps.series_id = week_before.series_id
            and gaps.interval_start_at - interval 168 hour = week_before.interval_start_at
        left join
            good as week_after
            on gaps.network_id = week_after.network_id
            and gaps.series_id = week_after.series_id
            and gaps.interval_start_at + interval 168 hour = week_after.interval_start_at
    )
select *
from filled
