with
    hours as (select * from {{ ref("int_load_hourly") }}),
    holidays as (select * from {{ ref("int_network_holidays") }}),
    -- The issue time is the end of the last hour that was read, not imputed.
    origins as (
        select
            network_id,
            series_id,
            min(series_type) as series_type,
            min(area_id) as area_id,
            min(time_zone) as time_zone,
            max(valid_at) + interval 1 hour as issued_at,
            bool_or(is_fallback) as is_fallback
        from hours
        where has_reading
        group by network_id, series_id
    ),
    ahead as (
        select
            network_id,
            series_id,
            series_type,
            area_id,
            time_zone,
            issued_at,
            is_fallback,
            unnest(range(1, {{ var("forecast_hours") }} + 1)) as horizon_hours
        from origins
    ),
    localised as (
        select
            network_id,
            series_id,
            series_type,
            area_id,
            issued_at,
            issued_at + to_hours(cast(horizon_hours - 1 as integer)) as valid_at,
            cast(horizon_hours as integer) as horizon_hours,
            timezone(
                time_zone, issued_at + to_hours(cast(horizon_hours - 1 as integer))
            ) as local_time,
            is_fallback
        from ahead
    ),
    calendared as (
        select
            localised.network_id,
            localised.series_id,
            localised.series_type,
            localised.area_id,
            localised.issued_at,
            localised.valid_at,
            localised.horizon_hours,
            cast(hour(localised.local_time) as integer) as local_hour,
            cast(isodow(localised.local_time) as integer) as local_day_of_week,
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
