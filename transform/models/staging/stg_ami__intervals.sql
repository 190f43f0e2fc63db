with
    ami_intervals as (select * from {{ source("raw", "ami_intervals") }}),
    staged as (
        select
            network_id,
            meter_id,
            interval_start_at,
            duration_seconds,
            reading_value,
            unit_code,
            power_of_ten,
            reading_flags,
            _parse_error is not null as has_parse_error,
            coalesce(
                interval_start_at
                > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            case
                when lower(unit_code) = 'wh'
                then reading_value * pow(10, coalesce(power_of_ten, 0)) / 1000
                when lower(unit_code) = 'kwh'
                then reading_value * pow(10, coalesce(power_of_ten, 0))
            end as energy_kwh,
            coalesce(contains(lower(reading_flags), 'estimated'), false) as is_estimated,
            coalesce(contains(lower(reading_flags), 'missing'), false) as is_missing,
            coalesce(contains(lower(reading_flags), 'edited'), false) as is_edited,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from ami_intervals
    )
select *
from staged
