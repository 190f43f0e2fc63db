with
    days as (select * from {{ ref("stg_calendar__days") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            local_date,
            is_holiday,
            holiday_name,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from days
        where {{ quarantine_reason("calendar_days") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("calendar_days") }}
                order by {{ latest_first("calendar_days") }}
            )
            = 1
    )
select *
from deduplicated
