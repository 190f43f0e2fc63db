with
    vegetation_inspections as (select * from {{ source("raw", "vegetation_inspections") }}),
    staged as (
        select
            network_id,
            segment_id,
            inspected_on,
            ndvi,
            canopy_pct,
            last_trimmed_on,
            trim_cycle_years,
            species_name,
            _parse_error is not null as has_parse_error,
            coalesce(
                inspected_on > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from vegetation_inspections
    )
select *
from staged
