with
    outages as (select * from {{ ref("stg_oms__outages") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            outage_id,
            feeder_id,
            asset_id,
            started_at,
            first_reported_at,
            restored_at,
            first_estimated_restoration_at,
            customers_out_count,
            cause_text,
            first_cause_text,
            is_planned,
            latitude,
            longitude,
            {{ quarantine_reason("oms_outages") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from outages
        where {{ quarantine_reason("oms_outages") }} is not null
    )
select *
from quarantined
