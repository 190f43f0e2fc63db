with
    inspections as (select * from {{ ref("stg_vegetation__inspections") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            segment_id,
            inspected_on,
            ndvi,
            canopy_pct,
            last_trimmed_on,
            trim_cycle_years,
            species_name,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from inspections
        where {{ quarantine_reason("vegetation_inspections") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("vegetation_inspections") }}
                order by {{ latest_first("vegetation_inspections") }}
            )
            = 1
    )
select *
from deduplicated
