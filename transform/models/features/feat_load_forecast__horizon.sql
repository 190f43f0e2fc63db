with
    ahead as (select * from {{ ref("int_load_horizon_hours") }}),
    hours as (select * from {{ ref("int_load_hourly") }}),
    weather as (select * from {{ ref("int_weather_areas_hourly") }}),
    forecasts as (select * from {{ ref("int_weather_forecasts_by_area") }}),
    -- Point in time: the latest forecast issued at or before the origin.
    forecast as (
        select
            ahead.network_id,
            ahead.series_id,
            ahead.valid_at,
            forecasts.temperature_degc,
            coalesce(forecasts.wind_speed_100m_mps, forecasts.wind_speed_mps) as wind_speed_mps,
            forecasts.global_radiation_w_m2,
            forecasts.is_fallback
        from ahead
        inner join
            forecasts
            on ahead.network_id = forecasts.network_id
            and ahead.area_id = forecasts.area_id
            and ahead.valid_at = forecasts.valid_at
            and ahead.issued_at >= forecasts.issued_at
        where forecasts.temperature_degc is not null
        qualify
            row_number() over (
                partition by ahead.network_id, ahead.series_id, ahead.valid_at
                order by forecasts.issued_at desc
            )
            = 1
    ),
    origins as (select distinct network_id, series_id, area_id, issued_at from ahead),
    -- Without a forecast: what the same local hour saw over the last seven days.
    climatology as (
        select
            hours.network_id,
            hours.series_id,
            hours.local_hour,
            {{ exact_mean("weather.temperature_degc") }} as temperature_degc,
            bool_or(weather.is_fallback) as is_fallback
        from origins
        inner join
            hours
            on origins.network_id = hours.network_id
            and origins.series_id = hours.series_id
            and origins.issued_at - interval 7 day <= hours.valid_at
            and origins.issued_at > hours.valid_at
        inner join
            weather
            on hours.network_id = weather.network_id
            and hours.area_id = weather.area_id
            and hours.valid_at = weather.observed_hour_at
        group by hours.network_id, hours.series_id, hours.local_hour
    ),
    horizon as (
        select
            ahead.network_id,
            ahead.series_id,
            ahead.series_type,
            ahead.issued_at,
            ahead.valid_at,
            ahead.issued_at as available_at,
            ahead.horizon_hours,
            coalesce(
                forecast.temperature_degc, climatology.temperature_degc
            ) as temperature_forecast_degc,
            forecast.wind_speed_mps as wind_speed_forecast_mps,
            forecast.global_radiation_w_m2 as radiation_forecast_w_m2,
            case
                when forecast.temperature_degc is not null
                then 'forecast'
                when climatology.temperature_degc is not null
                then 'climatology'
                else 'none'
            end as temperature_source,
            ahead.local_hour,
            ahead.local_day_of_week,
            ahead.is_holiday,
            ahead.is_fallback
            or coalesce(forecast.is_fallback, climatology.is_fallback, false) as is_fallback
        from ahead
        left join
            forecast
            on ahead.network_id = forecast.network_id
            and ahead.series_id = forecast.series_id
            and ahead.valid_at = forecast.valid_at
        left join
            climatology
            on ahead.network_id = climatology.network_id
            and ahead.series_id = climatology.series_id
            and ahead.local_hour = climatology.local_hour
    )
select *
from horizon
