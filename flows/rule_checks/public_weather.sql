-- What is wrong in the delivered rows, counted on the raw table, beside what the cleaning layer says. 114 m/s: the fastest
-- wind ever measured at the ground.
with
    delivered as (
        select station_id, observed_at, wind_speed_mps, wind_speed_mps > 114 as is_absurd
        from warehouse.raw.weather_observations
        where network_id = 'NYC'
    ),
    hourly as (
        select station_id, observed_hour_at, wind_speed_mps, wind_fault_count > 0 as is_fault
        from warehouse.intermediate.int_weather_observations_hourly
        where network_id = 'NYC'
    ),
    wind as (
        select
            count(*) filter (where delivered.is_absurd) as wind_known_count,
            count(*) filter (where delivered.is_absurd and hourly.is_fault) as wind_found_count,
            count(*) filter (where delivered.is_absurd and hourly.wind_speed_mps is not null) as wind_used_count,
            count(*) filter (where hourly.is_fault and delivered.wind_speed_mps > 60) as wind_flagged_count,
            count(*) filter (where hourly.is_fault and delivered.wind_speed_mps <= 60) as wind_mild_count
        from delivered
        left join hourly
            on delivered.station_id = hourly.station_id
            and date_trunc('hour', delivered.observed_at) = hourly.observed_hour_at
    ),
    autumn_delivered as (
        select station_id, timezone('America/New_York', observed_at) as clock_at,
            count(distinct observed_at) as instant_count
        from delivered
        group by all
        having count(distinct observed_at) > 1
    ),
    autumn_kept as (
        select station_id, timezone('America/New_York', observed_at) as clock_at, count(distinct observed_at) as instant_count
        from warehouse.intermediate.int_weather_observations_deduplicated
        where network_id = 'NYC'
        group by all
    ),
    autumn as (
        select
            count(*) as autumn_known_count,
            count(*) filter (where autumn_kept.instant_count = autumn_delivered.instant_count) as autumn_found_count
        from autumn_delivered
        left join autumn_kept
            on autumn_delivered.station_id = autumn_kept.station_id and autumn_delivered.clock_at = autumn_kept.clock_at
    ),
    -- Counted per station by its first, last and number of hours; the gaps of the cleaning layer name each hour.
    spans as (
        select
            station_id,
            date_diff('hour', min(observed_at), max(observed_at)) + 1 - count(distinct observed_at) as inside_count,
            365 * 24 - (date_diff('hour', min(observed_at), max(observed_at)) + 1) as outside_count
        from delivered
        group by station_id
    ),
    gaps as (
        select count(*) as gap_flagged_count
        from warehouse.intermediate.int_feed_gaps
        where raw_table = 'weather_observations' and network_id = 'NYC'
    ),
    real_gaps as (
        select count(*) as gap_found_count
        from warehouse.intermediate.int_feed_gaps as missing
        anti join delivered
            on missing.entity_id = delivered.station_id
            and missing.missing_at = date_trunc('hour', delivered.observed_at)
        where missing.raw_table = 'weather_observations' and missing.network_id = 'NYC'
    ),
    missing as (
        select
            coalesce(cast(sum(inside_count) as bigint), 0) as gap_known_count,
            coalesce(cast(sum(outside_count) as bigint), 0) as outside_count
        from spans
    )
select *
from wind, autumn, gaps, real_gaps, missing
