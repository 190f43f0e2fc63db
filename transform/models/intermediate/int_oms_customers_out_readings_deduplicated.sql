with
    readings as (select * from {{ ref("stg_oms__customers_out_readings") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            feeder_id,
            observed_at,
            interval_minutes,
            customers_out_count,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from readings
        where {{ quarantine_reason("oms_customers_out_readings") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("oms_customers_out_readings") }}
                order by {{ latest_first("oms_customers_out_readings") }}
            )
            = 1
    )
select *
from deduplicated
