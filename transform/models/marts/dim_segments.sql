with
    segments as (select * from {{ ref("int_gis_segments_deduplicated") }}),
    inspections as (select * from {{ ref("int_vegetation_inspections_screened") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    latest as (
        select
            network_id,
            segment_id,
            inspected_on,
            ndvi,
            canopy_pct,
            last_trimmed_on,
            trim_cycle_years,
            species_name,
            _is_fallback
        from inspections
        qualify
            row_number() over (partition by network_id, segment_id order by inspected_on desc) = 1
    ),
    dimension as (
        select
            segments.network_id,
            segments.segment_id,
            segments.feeder_id,
            segments.from_node_id,
            segments.to_node_id,
            segments.length_m,
            segments.placement_type,
            segments.conductor_type,
            segments.phase_count,
            segments.protective_device_id,
            segments.customers_count,
            latest.inspected_on,
            latest.ndvi,
            latest.canopy_pct,
            latest.last_trimmed_on,
            latest.trim_cycle_years,
            latest.species_name,
            latest.inspected_on - latest.last_trimmed_on
            > latest.trim_cycle_years * 365.25 as is_trimming_overdue,
            segments.feeder_id is not null and feeders.feeder_id is null as is_feeder_orphan,
            segments._is_fallback or coalesce(latest._is_fallback, false) as is_fallback
        from segments
        left join
            latest
            on segments.network_id = latest.network_id
            and segments.segment_id = latest.segment_id
        left join
            feeders
            on segments.network_id = feeders.network_id
            and segments.feeder_id = feeders.feeder_id
    )
select *
from dimension
