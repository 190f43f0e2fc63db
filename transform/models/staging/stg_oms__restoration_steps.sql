with
    oms_restoration_steps as (select * from {{ source("raw", "oms_restoration_steps") }}),
    staged as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            restored_at,
            customers_restored_count,
            _parse_error is not null as has_parse_error,
            coalesce(
                restored_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from oms_restoration_steps
    )
select *
from staged
