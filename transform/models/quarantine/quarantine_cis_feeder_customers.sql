with
    counts as (select * from {{ ref("stg_cis__feeder_customers") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            feeder_id,
            customers_count,
            {{ quarantine_reason("cis_feeder_customers") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from counts
        where {{ quarantine_reason("cis_feeder_customers") }} is not null
    )
select *
from quarantined
