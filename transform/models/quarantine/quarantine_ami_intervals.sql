with
    intervals as (select * from {{ ref("stg_ami__intervals") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            meter_id,
            interval_start_at,
            duration_seconds,
            reading_value,
            unit_code,
            power_of_ten,
            reading_flags,
            {{ quarantine_reason("ami_intervals") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from intervals
        where {{ quarantine_reason("ami_intervals") }} is not null
    )
select *
from quarantined
