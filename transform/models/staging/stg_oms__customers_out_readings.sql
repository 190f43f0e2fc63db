with
    oms_customers_out_readings as (select * from {{ source("raw", "oms_customers_out_readings") }}),
    staged as (
        select
            network_id,
            feeder_id,
            observed_at,
            interval_minutes,
            customers_out_count,
            _parse_error is not null as has_parse_error,
            coalesce(
                observed_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from oms_customers_out_readings
    )
select *
from staged
