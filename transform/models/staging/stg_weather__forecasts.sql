with
    weather_forecasts as (select * from {{ source("raw", "weather_forecasts") }}),
    staged as (
        select
            network_id,
            station_id,
            issued_at,
            valid_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            wind_speed_100m_mps,
            global_radiation_w_m2,
            _parse_error is not null as has_parse_error,
            coalesce(
                issued_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from weather_forecasts
    )
select *
from staged
