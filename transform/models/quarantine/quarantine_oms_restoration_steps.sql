with
    restoration_steps as (select * from {{ ref("stg_oms__restoration_steps") }}),
    judged as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            restored_at,
            customers_restored_count,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error,
            {{ quarantine_reason("oms_restoration_steps") }} as quarantine_reason
        from restoration_steps
    ),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            restored_at,
            customers_restored_count,
            quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from judged
        where quarantine_reason is not null
    )
select *
from quarantined
