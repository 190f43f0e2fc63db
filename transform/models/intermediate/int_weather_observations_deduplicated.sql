with
    observations as (select * from {{ ref("stg_weather__observations") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            is_gust_missing,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from observations
        where {{ quarantine_reason("weather_observations") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("weather_observations") }}
                order by {{ latest_first("weather_observations") }}
            )
            = 1
    )
select *
from deduplicated
