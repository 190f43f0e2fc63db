with
    estimates as (select * from {{ ref("stg_oms__restoration_estimates") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            outage_id,
            started_at,
            estimated_restoration_at,
            issued_at,
            estimate_source,
            crew_status,
            {{ quarantine_reason("oms_restoration_estimates") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from estimates
        where {{ quarantine_reason("oms_restoration_estimates") }} is not null
    )
select *
from quarantined
