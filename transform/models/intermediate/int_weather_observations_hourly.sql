with
    observations as (select * from {{ ref("int_weather_observations_deduplicated") }}),
    -- Values no instrument on earth has seen are sensor faults, not weather: they count as not
    -- observed.
    plausible as (
        select
            network_id,
            station_id,
            date_trunc('hour', observed_at) as observed_hour_at,
            case
                when
                    temperature_degc
                    between {{ var("temperature_minimum_degc") }}
                    and {{ var("temperature_maximum_degc") }}
                then temperature_degc
            end as temperature_degc,
            case
                when relative_humidity_pct between 0 and 100 then relative_humidity_pct
            end as relative_humidity_pct,
            case
                when wind_speed_mps between 0 and {{ var("wind_maximum_mps") }} then wind_speed_mps
            end as wind_speed_mps,
            case
                when wind_gust_mps between 0 and {{ var("wind_maximum_mps") }} then wind_gust_mps
            end as wind_gust_mps,
            case
                when precipitation_mm between 0 and {{ var("precipitation_maximum_mm") }}
                then precipitation_mm
            end as precipitation_mm,
            greatest(observed_at, received_at) as available_at,
            _is_fallback
        from observations
    ),
    hourly as (
        select
            network_id,
            station_id,
            observed_hour_at,
            {{ exact_mean("temperature_degc") }} as temperature_degc,
            {{ exact_mean("relative_humidity_pct") }} as relative_humidity_pct,
            {{ exact_mean("wind_speed_mps") }} as wind_speed_mps,
            max(wind_gust_mps) as wind_gust_mps,
            max(precipitation_mm) as precipitation_mm,
            cast(count(*) as integer) as reading_count,
            max(available_at) as available_at,
            bool_or(_is_fallback) as is_fallback
        from plausible
        group by network_id, station_id, observed_hour_at
    )
select *
from hourly
