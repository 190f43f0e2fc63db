with
    outages as (select * from {{ ref("stg_oms__outages") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            is_restored,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from outages
        where {{ quarantine_reason("oms_outages") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("oms_outages") }}
                order by {{ latest_first("oms_outages") }}
            )
            = 1
    )
select *
from deduplicated
