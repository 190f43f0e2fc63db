{{ config(materialized="view") }}

with
    screened as (select * from {{ ref("int_load_readings_locally_screened") }}),
    valued as (
        select
            network_id,
            series_id,
            interval_start_at,
            flag_code,
            case when flag_code is null then load_mw end as load_mw,
            case when flag_code is null then relative_load end as relative_load,
            case when flag_code is null then deviation end as deviation,
            step_iqr_mw
        from screened
    ),
    neighboured as (
        select
            network_id,
            series_id,
            interval_start_at,
            flag_code,
            load_mw,
            relative_load,
            deviation,
            step_iqr_mw,
            last_value(load_mw ignore nulls) over before_reading as previous_load_mw,
            last_value(relative_load ignore nulls) over before_reading as previous_relative_load,
            last_value(deviation ignore nulls) over before_reading as previous_deviation,
            first_value(load_mw ignore nulls) over after_reading as next_load_mw,
            first_value(relative_load ignore nulls) over after_reading as next_relative_load,
            first_value(deviation ignore nulls) over after_reading as next_deviation,
            relative_load - lag(relative_load) over (
                partition by network_id, series_id order by interval_start_at
            ) as relative_step
        from valued
        window
            before_reading as (
                partition by network_id, series_id
                order by interval_start_at
                rows between unbounded preceding and 1 preceding
            ),
            after_reading as (
                partition by network_id, series_id
                order by interval_start_at
                rows between 1 following and unbounded following
            )
    ),
    series_spreads as (
        select
            network_id,
            series_id,
            quantile_cont(relative_step, 0.75)
            - quantile_cont(relative_step, 0.25) as relative_step_iqr
        from neighboured
        group by network_id, series_id
    ),
    -- One large step to the last or next good reading; of the two, the one further from what is
    -- usual is wrong.
    stepped as (
        select
            neighboured.network_id,
            neighboured.series_id,
            neighboured.interval_start_at,
            case
                when neighboured.flag_code is not null
                then neighboured.flag_code
                when {{ is_single_delta("previous") }} or {{ is_single_delta("next") }}
                then 'SINGLE_DELTA'
            end as flag_code
        from neighboured
        inner join
            series_spreads
            on neighboured.network_id = series_spreads.network_id
            and neighboured.series_id = series_spreads.series_id
    )
select *
from stepped
