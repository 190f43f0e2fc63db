with
    days as (select * from {{ ref("int_outage_days_spined") }}),
    feeders as (select * from {{ ref("int_feeders_resolved") }}),
    weather as (select * from {{ ref("int_outage_weather_forecast_daily") }}),
    -- A station without forecasts falls back on the network's mean.
    forecast_areas as (select distinct network_id, area_id from weather),
    feeder_days as (
        select
            feeders.network_id,
            feeders.feeder_id,
            days.outage_date,
            days.valid_at,
            days.is_live,
            days.live_day_number,
            coalesce(forecast_areas.area_id, '{{ var("network_area_id") }}') as area_id,
            -- The last 18:00 UTC at or before the day began: when crews for it are planned.
            date_trunc('day', days.valid_at - interval 18 hour) + interval 18 hour as planned_at,
            feeders.is_fallback
        from days
        inner join feeders on days.network_id = feeders.network_id
        left join
            forecast_areas
            on feeders.network_id = forecast_areas.network_id
            and feeders.area_id = forecast_areas.area_id
    ),
    -- Without any forecast only the first live day is scored: with none, further ahead is
    -- climatology.
    issued as (
        select
            feeder_days.network_id,
            feeder_days.feeder_id,
            feeder_days.outage_date,
            feeder_days.valid_at,
            greatest(feeder_days.planned_at, weather.issued_at) as available_at,
            weather.peak_gust_forecast_mps,
            weather.mean_wind_forecast_mps,
            weather.precipitation_forecast_mm,
            weather.min_temperature_forecast_degc,
            weather.max_temperature_forecast_degc,
            weather.storm_index_forecast,
            weather.cooling_degree_hours_forecast,
            feeder_days.is_live,
            feeder_days.is_fallback or coalesce(weather.is_fallback, false) as is_fallback
        from feeder_days
        left join
            weather
            on feeder_days.network_id = weather.network_id
            and feeder_days.area_id = weather.area_id
            and feeder_days.outage_date = weather.outage_date
        where
            not feeder_days.is_live
            or feeder_days.live_day_number = 1
            or weather.issued_at is not null
    )
select *
from issued
