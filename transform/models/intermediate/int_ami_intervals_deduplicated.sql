with
    intervals as (select * from {{ ref("stg_ami__intervals") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            meter_id,
            interval_start_at,
            duration_seconds,
            reading_value,
            unit_code,
            power_of_ten,
            reading_flags,
            energy_kwh,
            is_estimated,
            is_missing,
            is_edited,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from intervals
        where {{ quarantine_reason("ami_intervals") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("ami_intervals") }}
                order by {{ latest_first("ami_intervals") }}
            )
            = 1
    )
select *
from deduplicated
