with
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    facts as (
        select
            network_id,
            outage_id,
            feeder_id,
            asset_id,
            started_at,
            first_known_at,
            restored_at,
            first_estimated_restoration_at,
            date_diff('second', started_at, restored_at) / 3600.0 as duration_hours,
            customers_out_count,
            customers_out_count
            * date_diff('second', started_at, restored_at)
            / 60.0 as customer_minutes_out,
            cause_text,
            cause_type,
            first_cause_text,
            first_cause_type,
            latitude,
            longitude,
            is_planned,
            is_weather,
            is_outage_id_reused,
            is_feeder_orphan,
            is_fallback,
            _load_id
        from outages
    )
select *
from facts
