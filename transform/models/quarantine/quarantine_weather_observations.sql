with
    observations as (select * from {{ ref("stg_weather__observations") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
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
            {{ quarantine_reason("weather_observations") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from observations
        where {{ quarantine_reason("weather_observations") }} is not null
    )
select *
from quarantined
