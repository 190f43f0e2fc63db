with
    weather_observations as (select * from {{ source("raw", "weather_observations") }}),
    staged as (
        select
            network_id,
            station_id,
            observed_at,
            temperature_degc,
            relative_humidity_pct,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            received_at,
            _parse_error is not null as has_parse_error,
            coalesce(
                observed_at
                > least(_ingested_at, received_at)
                + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            wind_gust_mps is null as is_gust_missing,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from weather_observations
    )
select *
from staged
