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
            second_of_hour,
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
    -- How far this time of day lies from the local median, over ten days each way, and how much
    -- both scatter.
    shaped as (
        select
            network_id,
            series_id,
            interval_start_at,
            load_mw,
            local_median_mw,
            regional_median_mw,
            step_mw,
            median(load_mw - local_median_mw) over (
                partition by network_id, series_id, second_of_day
                order by interval_start_at
                rows between 10 preceding and 10 following
            ) as usual_offset_mw,
            quantile_cont(load_mw - local_median_mw, [0.25, 0.75]) over ten_days
            as offset_quartiles_mw,
            quantile_cont(step_mw, [0.25, 0.75]) over ten_days as step_quartiles_mw
        from centred
        window
            ten_days as (
                partition by network_id, series_id, second_of_hour
                order by interval_start_at
                rows between 120 preceding and 119 following
            )
    ),
    predicted as (
        select
            network_id,
            series_id,
            interval_start_at,
            local_median_mw
            * (1 + usual_offset_mw / nullif(regional_median_mw, 0)) as predicted_load_mw,
            regional_median_mw + usual_offset_mw as regional_predicted_load_mw,
            offset_quartiles_mw[2] - offset_quartiles_mw[1] as offset_iqr_mw,
            step_mw,
            step_quartiles_mw[2] - step_quartiles_mw[1] as step_iqr_mw
        from shaped
    )
select *
from predicted
