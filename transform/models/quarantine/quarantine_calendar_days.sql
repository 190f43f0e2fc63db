with
    days as (select * from {{ ref("stg_calendar__days") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            local_date,
            is_holiday,
            holiday_name,
            {{ quarantine_reason("calendar_days") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from days
        where {{ quarantine_reason("calendar_days") }} is not null
    )
select *
from quarantined
