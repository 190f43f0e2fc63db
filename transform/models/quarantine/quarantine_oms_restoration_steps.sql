with
    restoration_steps as (select * from {{ ref("stg_oms__restoration_steps") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            restored_at,
            customers_restored_count,
            {{ quarantine_reason("oms_restoration_steps") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from restoration_steps
        where {{ quarantine_reason("oms_restoration_steps") }} is not null
    )
select *
from quarantined
