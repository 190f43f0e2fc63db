with
    inspections as (select * from {{ ref("int_vegetation_inspections_deduplicated") }}),
    segments as (select * from {{ ref("stg_gis__segments") }}),
    -- A segment whose own row was rejected is on the map all the same.
    known_segments as (select distinct network_id, segment_id from segments),
    mapped_networks as (select distinct network_id from segments),
    -- Impossible measurements are left out; the inspection stays.
    screened as (
        select
            inspections.network_id,
            inspections.segment_id,
            inspections.inspected_on,
            case when inspections.ndvi between -1 and 1 then inspections.ndvi end as ndvi,
            case
                when inspections.canopy_pct between 0 and 100 then inspections.canopy_pct
            end as canopy_pct,
            inspections.last_trimmed_on,
            inspections.trim_cycle_years,
            inspections.species_name,
            coalesce(inspections.ndvi not between -1 and 1, false) as is_ndvi_impossible,
            coalesce(inspections.canopy_pct not between 0 and 100, false) as is_canopy_impossible,
            mapped_networks.network_id is not null
            and known_segments.segment_id is null as is_segment_orphan,
            inspections._is_fallback
        from inspections
        left join mapped_networks on inspections.network_id = mapped_networks.network_id
        left join
            known_segments
            on inspections.network_id = known_segments.network_id
            and inspections.segment_id = known_segments.segment_id
    )
select *
from screened
