with
    customers as (select * from {{ ref("stg_cis__customers") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            customer_id,
            feeder_id,
            asset_id,
            customer_class,
            is_critical,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from customers
        where {{ quarantine_reason("cis_customers") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("cis_customers") }}
                order by {{ latest_first("cis_customers") }}
            )
            = 1
    )
select *
from deduplicated
