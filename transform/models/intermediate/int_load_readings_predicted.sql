with
    screened as (select * from {{ ref("int_load_readings_globally_screened") }}),
    valued as (
        select
            network_id,
            series_id,
            interval_start_at,
            cast(epoch(interval_start_at) as bigint) % 86400 as second_of_day,
            cast(epoch(interval_start_at) as bigint) % 3600 as second_of_hour,
            case when flag_code is null then load_mw end as load_mw
        from screened
    ),
    -- Medians of the 48 and of the 480 hours around, as in Ruggles et al. 2020, step 2. The grid is
    -- regular, so rows of one minute of the hour span hours; interval frames cost ten times more.
    centred as (
        select
            network_id,
            series_id,
            interval_start_at,
            second_of_day,
            load_mw,
            median(load_mw) over (
                partition by network_id, series_id, second_of_hour
                order by interval_start_at
                rows between 24 preceding and 23 following
            ) as local_median_mw,
            median(load_mw) over (
                partition by network_id, series_id, second_of_hour
                order by interval_start_at
                rows between 240 preceding and 239 following
            ) as regional_median_mw,
            load_mw - lag(load_mw) over series_order as step_mw
        from valued
        window series_order as (partition by network_id, series_id order by interval_start_at)
    ),
    -- How much both scatter in the ten UTC days around. Once a day is enough: spreads change
    -- slowly,
    -- and windows that slide by the hour cost six times as much.
    spread as (
        select
            centred.network_id,
            centred.series_id,
            cast(centred.interval_start_at as date)
            + cast(days_around.day_offset as integer) as spread_date,
            quantile_cont(centred.load_mw - centred.local_median_mw, 0.75)
            - quantile_cont(centred.load_mw - centred.local_median_mw, 0.25) as offset_iqr_mw,
            quantile_cont(centred.step_mw, 0.75)
            - quantile_cont(centred.step_mw, 0.25) as step_iqr_mw
        from centred
        cross join range(-4, 6) as days_around(day_offset)
        group by centred.network_id, centred.series_id, spread_date
    ),
    -- How far this time of day usually lies from the local median, over ten days each way.
    shaped as (
        select
            network_id,
            series_id,
            interval_start_at,
            cast(interval_start_at as date) as spread_date,
            local_median_mw,
            regional_median_mw,
            step_mw,
            median(load_mw - local_median_mw) over (
                partition by network_id, series_id, second_of_day
                order by interval_start_at
                rows between 10 preceding and 10 following
            ) as usual_offset_mw
        from centred
    ),
    predicted as (
        select
            shaped.network_id,
            shaped.series_id,
            shaped.interval_start_at,
            shaped.local_median_mw * (
                1 + shaped.usual_offset_mw / nullif(shaped.regional_median_mw, 0)
            ) as predicted_load_mw,
            shaped.regional_median_mw + shaped.usual_offset_mw as regional_predicted_load_mw,
            spread.offset_iqr_mw,
            shaped.step_mw,
            spread.step_iqr_mw
        from shaped
        inner join
            spread
            on shaped.network_id = spread.network_id
            and shaped.series_id = spread.series_id
            and shaped.spread_date = spread.spread_date
    )
select *
from predicted
