with
    work_orders as (select * from {{ ref("int_eam_work_orders_deduplicated") }}),
    -- A completion before the opening is a typing error: the order counts as open.
    facts as (
        select
            network_id,
            work_order_id,
            asset_id,
            work_type,
            problem_code,
            opened_at,
            case when completed_at >= opened_at then completed_at end as completed_at,
            cost_usd,
            is_failure,
            coalesce(completed_at < opened_at, false) as is_completed_before_opening,
            _is_fallback as is_fallback,
            _load_id
        from work_orders
    )
select *
from facts
