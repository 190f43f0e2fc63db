with
    instants as (select * from {{ ref("int_transformer_as_of_instants") }}),
    work_orders as (select * from {{ ref("int_eam_work_orders_deduplicated") }}),
    -- Only orders opened, or works completed, before the instant.
    history as (
        select
            instants.network_id,
            instants.asset_id,
            instants.valid_at,
            cast(
                count(*) filter (
                    where
                        work_orders.work_type in ('CM', 'EM')
                        and work_orders.opened_at >= instants.valid_at - interval 365 day
                ) as integer
            ) as corrective_work_order_count_365d,
            max(work_orders.completed_at) filter (
                where
                    work_orders.work_type in ('PM', 'CM', 'EM')
                    and work_orders.completed_at < instants.valid_at
            ) as last_maintained_at,
            bool_or(work_orders._is_fallback) as is_fallback
        from instants
        inner join
            work_orders
            on instants.network_id = work_orders.network_id
            and instants.asset_id = work_orders.asset_id
            and instants.valid_at > work_orders.opened_at
        group by instants.network_id, instants.asset_id, instants.valid_at
    )
select *
from history
