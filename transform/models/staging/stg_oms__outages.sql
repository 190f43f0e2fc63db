with
    oms_outages as (select * from {{ source("raw", "oms_outages") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            coalesce(
                started_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            restored_at is not null as is_restored,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from oms_outages
    )
select *
from staged
