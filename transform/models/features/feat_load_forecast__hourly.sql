with
    hours as (select * from {{ ref("int_load_hourly") }}),
    weather as (select * from {{ ref("int_weather_areas_hourly") }}),
    forecasts as (select * from {{ ref("int_weather_forecasts_day_ahead") }}),
    hourly as (
        select
            hours.network_id,
            hours.series_id,
            hours.series_type,
            hours.valid_at,
            hours.available_at,
            hours.load_mw,
            hours.operator_forecast_mw,
            weather.temperature_degc,
            forecasts.temperature_degc as temperature_forecast_degc,
            coalesce(
                forecasts.wind_speed_100m_mps, forecasts.wind_speed_mps
            ) as wind_speed_forecast_mps,
            forecasts.global_radiation_w_m2 as radiation_forecast_w_m2,
            hours.local_hour,
            hours.local_day_of_week,
            hours.is_imputed,
            hours.is_holiday,
            hours.is_fallback
            or coalesce(weather.is_fallback, false)
            or coalesce(forecasts.is_fallback, false) as is_fallback
        from hours
        left join
            weather
            on hours.network_id = weather.network_id
            and hours.area_id = weather.area_id
            and hours.valid_at = weather.observed_hour_at
        left join
            forecasts
            on hours.network_id = forecasts.network_id
            and hours.area_id = forecasts.area_id
            and hours.valid_at = forecasts.valid_at
    )
select *
from hourly
