with
    imputed as (select * from {{ ref("int_load_readings_imputed") }}),
    series as (select * from {{ ref("int_load_series_resolved") }}),
    holidays as (select * from {{ ref("int_network_holidays") }}),
    -- Half-hours are averaged to hours; an hour is unknown only when all its intervals are.
    hourly as (
        select
            network_id,
            series_id,
            date_trunc('hour', interval_start_at) as valid_at,
            {{ exact_mean("load_mw") }} as load_mw,
            {{ exact_mean("operator_forecast_mw") }} as operator_forecast_mw,
            bool_or(is_imputed) as is_imputed,
            max(available_at) as available_at,
            bool_or(load_mw is not null and not is_imputed) as has_reading,
            bool_or(is_fallback) as is_fallback
        from imputed
        group by network_id, series_id, valid_at
    ),
    localised as (
        select
            hourly.network_id,
            hourly.series_id,
            series.series_type,
            series.area_id,
            series.time_zone,
            hourly.valid_at,
            timezone(series.time_zone, hourly.valid_at) as local_time,
            hourly.load_mw,
            hourly.operator_forecast_mw,
            hourly.is_imputed,
            hourly.has_reading,
            greatest(hourly.available_at, hourly.valid_at + interval 1 hour) as available_at,
            hourly.is_fallback
        from hourly
        inner join
            series on hourly.network_id = series.network_id and hourly.series_id = series.series_id
    ),
    calendared as (
        select
            localised.network_id,
            localised.series_id,
            localised.series_type,
            localised.area_id,
            localised.time_zone,
            localised.valid_at,
            localised.available_at,
            cast(localised.local_time as date) as local_date,
            cast(hour(localised.local_time) as integer) as local_hour,
            cast(isodow(localised.local_time) as integer) as local_day_of_week,
            localised.load_mw,
            localised.operator_forecast_mw,
            localised.is_imputed,
            localised.has_reading,
            coalesce(holidays.is_holiday, false) as is_holiday,
            localised.is_fallback
        from localised
        left join
            holidays
            on localised.network_id = holidays.network_id
            and cast(localised.local_time as date) = holidays.local_date
    )
select *
from calendared
