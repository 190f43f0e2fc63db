with
    observations as (select * from {{ ref("int_weather_observations_deduplicated") }}),
    neighboured as (
        select
            network_id,
            station_id,
            observed_at,
            temperature_degc,
            relative_humidity_pct,
            wind_speed_mps,
            greatest(
                lag(wind_speed_mps) over station_order, lead(wind_speed_mps) over station_order
            ) as wind_around_mps,
            wind_gust_mps,
            precipitation_mm,
            received_at,
            _is_fallback
        from observations
        window station_order as (partition by network_id, station_id order by observed_at)
    ),
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
                when not {{ is_wind_fault("wind_speed_mps", "wind_around_mps") }}
                then wind_speed_mps
            end as wind_speed_mps,
            case
                when wind_gust_mps between 0 and {{ var("wind_maximum_mps") }} then wind_gust_mps
            end as wind_gust_mps,
            case
                when precipitation_mm between 0 and {{ var("precipitation_maximum_mm") }}
                then precipitation_mm
            end as precipitation_mm,
            {{ is_wind_fault("wind_speed_mps", "wind_around_mps") }} as is_wind_fault,
            greatest(observed_at, received_at) as available_at,
            _is_fallback
        from neighboured
    ),
    networks as (
        select
            network_id,
            observed_hour_at,
            median(temperature_degc) as median_temperature_degc,
            count(distinct station_id) as station_count
        from plausible
        group by network_id, observed_hour_at
    ),
    -- A station far off its neighbours whose value fits when the degC it sent as degF is undone.
    converted as (
        select
            plausible.network_id,
            plausible.station_id,
            plausible.observed_hour_at,
            coalesce(
                networks.station_count >= 3
                and abs(plausible.temperature_degc - networks.median_temperature_degc)
                > {{ var("temperature_slip_k") }}
                and abs(plausible.temperature_degc * 1.8 + 32 - networks.median_temperature_degc)
                < {{ var("temperature_match_k") }},
                false
            ) as is_unit_slip,
            plausible.temperature_degc,
            plausible.relative_humidity_pct,
            plausible.wind_speed_mps,
            plausible.wind_gust_mps,
            plausible.precipitation_mm,
            plausible.is_wind_fault,
            plausible.available_at,
            plausible._is_fallback
        from plausible
        inner join
            networks
            on plausible.network_id = networks.network_id
            and plausible.observed_hour_at = networks.observed_hour_at
    ),
    hourly as (
        select
            network_id,
            station_id,
            observed_hour_at,
            {{
                exact_mean(
                    "case when is_unit_slip then temperature_degc * 1.8 + 32 else temperature_degc end"
                )
            }}
            as temperature_degc,
            {{ exact_mean("relative_humidity_pct") }} as relative_humidity_pct,
            {{ exact_mean("wind_speed_mps") }} as wind_speed_mps,
            max(wind_gust_mps) as wind_gust_mps,
            max(precipitation_mm) as precipitation_mm,
            cast(count(*) as integer) as reading_count,
            cast(count(*) filter (where is_unit_slip) as integer) as unit_slip_count,
            cast(count(*) filter (where is_wind_fault) as integer) as wind_fault_count,
            max(available_at) as available_at,
            bool_or(_is_fallback) as is_fallback
        from converted
        group by network_id, station_id, observed_hour_at
    )
select *
from hourly
