with
    forecasts as (select * from {{ ref("int_weather_forecasts_deduplicated") }}),
    plausible as (
        select
            network_id,
            station_id as area_id,
            issued_at,
            date_trunc('hour', valid_at) as valid_at,
            case
                when
                    temperature_degc
                    between {{ var("temperature_minimum_degc") }}
                    and {{ var("temperature_maximum_degc") }}
                then temperature_degc
            end as temperature_degc,
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
            case
                when wind_speed_100m_mps between 0 and {{ var("wind_maximum_mps") }}
                then wind_speed_100m_mps
            end as wind_speed_100m_mps,
            case
                when
                    global_radiation_w_m2
                    between {{ var("radiation_minimum_w_m2") }}
                    and {{ var("radiation_maximum_w_m2") }}
                then greatest(global_radiation_w_m2, 0)
            end as global_radiation_w_m2,
            _is_fallback as is_fallback
        from forecasts
    ),
    stations as (
        select
            network_id,
            area_id,
            issued_at,
            valid_at,
            {{ exact_mean("temperature_degc") }} as temperature_degc,
            {{ exact_mean("wind_speed_mps") }} as wind_speed_mps,
            max(wind_gust_mps) as wind_gust_mps,
            max(precipitation_mm) as precipitation_mm,
            {{ exact_mean("wind_speed_100m_mps") }} as wind_speed_100m_mps,
            {{ exact_mean("global_radiation_w_m2") }} as global_radiation_w_m2,
            bool_or(is_fallback) as is_fallback
        from plausible
        group by network_id, area_id, issued_at, valid_at
    ),
    -- The whole network is an area too: the mean over the stations forecast in one issue.
    networks as (
        select
            network_id,
            '{{ var("network_area_id") }}' as area_id,
            issued_at,
            valid_at,
            {{ exact_mean("temperature_degc") }} as temperature_degc,
            {{ exact_mean("wind_speed_mps") }} as wind_speed_mps,
            max(wind_gust_mps) as wind_gust_mps,
            {{ exact_mean("precipitation_mm") }} as precipitation_mm,
            {{ exact_mean("wind_speed_100m_mps") }} as wind_speed_100m_mps,
            {{ exact_mean("global_radiation_w_m2") }} as global_radiation_w_m2,
            bool_or(is_fallback) as is_fallback
        from stations
        group by network_id, issued_at, valid_at
    ),
    areas as (
        select
            network_id,
            area_id,
            issued_at,
            valid_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            wind_speed_100m_mps,
            global_radiation_w_m2,
            is_fallback
        from stations
        union all
        select
            network_id,
            area_id,
            issued_at,
            valid_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            wind_speed_100m_mps,
            global_radiation_w_m2,
            is_fallback
        from networks
    )
select *
from areas
