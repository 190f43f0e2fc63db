with
    observations as (select * from {{ ref("int_weather_observations_hourly") }}),
    facts as (
        select
            network_id,
            station_id,
            observed_hour_at,
            available_at,
            temperature_degc,
            relative_humidity_pct,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            reading_count,
            unit_slip_count,
            is_fallback
        from observations
    )
select *
from facts
