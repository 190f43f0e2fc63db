with
    steps as (select * from {{ ref("int_outage_restorations_stepped") }}),
    facts as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            feeder_id,
            asset_id,
            local_date,
            restored_at,
            duration_minutes,
            customers_restored_count,
            customers_restored_count * duration_minutes as customer_minutes_out,
            interruption_type,
            is_planned,
            is_implied,
            is_capped,
            is_fallback
        from steps
    )
select *
from facts
