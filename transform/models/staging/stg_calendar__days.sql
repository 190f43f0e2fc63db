with
    calendar_days as (select * from {{ source("raw", "calendar_days") }}),
    staged as (
        select
            network_id,
            local_date,
            is_holiday,
            holiday_name,
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from calendar_days
    )
select *
from staged
