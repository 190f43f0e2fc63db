with
    cis_customers as (select * from {{ source("raw", "cis_customers") }}),
    staged as (
        select
            network_id,
            customer_id,
            feeder_id,
            asset_id,
            customer_class,
            is_critical,
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from cis_customers
    )
select *
from staged
