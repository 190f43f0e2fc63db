with
    forecasts as (select * from {{ ref("stg_weather__forecasts") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from forecasts
        where {{ quarantine_reason("weather_forecasts") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("weather_forecasts") }}
                order by {{ latest_first("weather_forecasts") }}
            )
            = 1
    )
select *
from deduplicated
