with
    readings as (select * from {{ ref("stg_oms__customers_out_readings") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            feeder_id,
            observed_at,
            interval_minutes,
            customers_out_count,
            {{ quarantine_reason("oms_customers_out_readings") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from readings
        where {{ quarantine_reason("oms_customers_out_readings") }} is not null
    )
select *
from quarantined
