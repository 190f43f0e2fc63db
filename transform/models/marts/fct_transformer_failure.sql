with
    failures as (select * from {{ ref("int_transformer_failures_merged") }}),
    facts as (
        select
            network_id,
            asset_id,
            failure_number,
            failed_at,
            known_at,
            has_work_order,
            has_outage,
            is_fallback
        from failures
    )
select *
from facts
