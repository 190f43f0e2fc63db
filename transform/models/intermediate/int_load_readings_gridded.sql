{{ config(materialized="view") }}

with
    readings as (select * from {{ ref("int_scada_load_readings_deduplicated") }}),
    series as (select * from {{ ref("int_load_series_resolved") }}),
    quality_codes as (select * from {{ ref("int_quality_codes_resolved") }}),
    regular_intervals as (
        select
            network_id,
            series_id,
            unnest(
                range(
                    first_interval_at,
                    last_interval_at + interval 1 second,
                    to_minutes(interval_minutes)
                )
            ) as interval_start_at
        from series
    ),
    -- Readings off the regular grid keep their own interval: no reading is dropped.
    intervals as (
        select network_id, series_id, interval_start_at
        from regular_intervals
        union
        select network_id, series_id, interval_start_at
        from readings
    ),
    gridded as (
        select
            intervals.network_id,
            intervals.series_id,
            series.series_type,
            intervals.interval_start_at,
            coalesce(readings.interval_minutes, series.interval_minutes) as interval_minutes,
            readings.load_mw,
            readings.operator_forecast_mw,
            readings.published_flag_code,
            readings.received_at,
            case
                when readings.quality_code is null
                then 'GOOD'
                else coalesce(quality_codes.quality, 'SUSPECT')
            end as quality,
            series.median_load_mw,
            series.has_feed_in,
            readings._load_id,
            coalesce(readings._is_fallback, series.is_fallback) as is_fallback
        from intervals
        inner join
            series
            on intervals.network_id = series.network_id
            and intervals.series_id = series.series_id
        left join
            readings
            on intervals.network_id = readings.network_id
            and intervals.series_id = readings.series_id
            and intervals.interval_start_at = readings.interval_start_at
        left join quality_codes on lower(readings.quality_code) = quality_codes.quality_code
    )
select *
from gridded
