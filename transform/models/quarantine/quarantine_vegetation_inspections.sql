with
    inspections as (select * from {{ ref("stg_vegetation__inspections") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            segment_id,
            inspected_on,
            ndvi,
            canopy_pct,
            last_trimmed_on,
            trim_cycle_years,
            species_name,
            {{ quarantine_reason("vegetation_inspections") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from inspections
        where {{ quarantine_reason("vegetation_inspections") }} is not null
    )
select *
from quarantined
