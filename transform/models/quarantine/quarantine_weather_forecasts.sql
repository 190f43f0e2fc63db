with
    forecasts as (select * from {{ ref("stg_weather__forecasts") }}),
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
            wind_speed_100m_mps,
            global_radiation_w_m2,
            {{ quarantine_reason("weather_forecasts") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from forecasts
        where {{ quarantine_reason("weather_forecasts") }} is not null
    )
select *
from quarantined
