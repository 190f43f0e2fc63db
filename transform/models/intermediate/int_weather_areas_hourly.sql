with
    observations as (select * from {{ ref("int_weather_observations_hourly") }}),
    -- The whole network is an area too: what a system load or a place without a station sees.
    areas as (
        select
            network_id,
            station_id as area_id,
            observed_hour_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            available_at,
            is_fallback
        from observations
        union all
        select
            network_id,
            '{{ var("network_area_id") }}' as area_id,
            observed_hour_at,
            {{ exact_mean("temperature_degc") }} as temperature_degc,
            {{ exact_mean("wind_speed_mps") }} as wind_speed_mps,
            max(wind_gust_mps) as wind_gust_mps,
            {{ exact_mean("precipitation_mm") }} as precipitation_mm,
            max(available_at) as available_at,
            bool_or(is_fallback) as is_fallback
        from observations
        group by network_id, observed_hour_at
    )
select *
from areas
