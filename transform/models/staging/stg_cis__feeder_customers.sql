with
    cis_feeder_customers as (select * from {{ source("raw", "cis_feeder_customers") }}),
    staged as (
        select
            network_id,
            feeder_id,
            customers_count,
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from cis_feeder_customers
    )
select *
from staged
