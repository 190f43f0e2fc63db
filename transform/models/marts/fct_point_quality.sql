with
    measurements as (select * from {{ ref("int_scada_measurements_qualified") }}),
    latest as (
        select network_id, max(measured_at) as latest_measured_at
        from measurements
        group by network_id
    ),
    -- Who goes out to a remote terminal wants to know how it is now, not how it was last winter.
    recent as (
        select
            measurements.network_id,
            coalesce(measurements.rtu_id, '(none)') as rtu_id,
            measurements.tag_id,
            measurements.measured_at,
            measurements.quality,
            measurements.quality_reason,
            measurements._is_fallback
        from measurements
        inner join latest on measurements.network_id = latest.network_id
        where
            measurements.measured_at
            > latest.latest_measured_at - to_days({{ var("recent_quality_days") }})
    ),
    counted as (
        select
            network_id,
            rtu_id,
            tag_id,
            quality,
            quality_reason,
            count(*) as reading_count,
            max(measured_at) as latest_measured_at,
            bool_or(_is_fallback) as is_fallback
        from recent
        group by network_id, rtu_id, tag_id, quality, quality_reason
    ),
    facts as (
        select
            network_id,
            rtu_id,
            tag_id,
            cast(sum(reading_count) as integer) as reading_count,
            cast(
                coalesce(sum(reading_count) filter (where quality <> 'GOOD'), 0) as integer
            ) as not_good_count,
            max_by(
                quality || ': ' || quality_reason, (reading_count, quality, quality_reason)
            ) filter (where quality <> 'GOOD') as commonest_reason,
            max(latest_measured_at) as latest_measured_at,
            bool_or(is_fallback) as is_fallback
        from counted
        group by network_id, rtu_id, tag_id
    )
select *
from facts
