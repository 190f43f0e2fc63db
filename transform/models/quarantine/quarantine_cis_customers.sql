with
    customers as (select * from {{ ref("stg_cis__customers") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            customer_id,
            feeder_id,
            asset_id,
            customer_class,
            is_critical,
            {{ quarantine_reason("cis_customers") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from customers
        where {{ quarantine_reason("cis_customers") }} is not null
    )
select *
from quarantined
