with
    forecasts as (select * from {{ ref("stg_weather__forecasts") }}),
    judged as (
        select
            network_id,
            station_id,
            issued_at,
            valid_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error,
            {{ quarantine_reason("weather_forecasts") }} as quarantine_reason
        from forecasts
    ),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            station_id,
            issued_at,
            valid_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from judged
        where quarantine_reason is not null
    )
select *
from quarantined
