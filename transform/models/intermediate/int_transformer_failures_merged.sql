with
    work_orders as (select * from {{ ref("int_eam_work_orders_deduplicated") }}),
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    -- A failure is recorded by maintenance (problem code FAILED), by operations (an outage that
    -- names the unit), or both.
    recorded as (
        select
            network_id,
            asset_id,
            opened_at as failed_at,
            opened_at as known_at,
            'work_order' as record_type,
            work_order_id as record_id,
            _is_fallback as is_fallback
        from work_orders
        where is_failure
        union all
        select
            network_id,
            asset_id,
            started_at as failed_at,
            first_known_at as known_at,
            'outage' as record_type,
            outage_id as record_id,
            is_fallback
        from outages
        where asset_id is not null and not is_planned
    ),
    stepped as (
        select
            network_id,
            asset_id,
            failed_at,
            known_at,
            record_type,
            record_id,
            is_fallback,
            coalesce(
                failed_at
                > lag(failed_at) over asset_history
                + interval ({{ var("failure_merge_days") }}) day,
                true
            ) as is_new_failure
        from recorded
        window
            asset_history as (
                partition by network_id, asset_id order by failed_at, record_type, record_id
            )
    ),
    numbered as (
        select
            network_id,
            asset_id,
            failed_at,
            known_at,
            record_type,
            record_id,
            is_fallback,
            sum(cast(is_new_failure as integer)) over (
                partition by network_id, asset_id
                order by failed_at, record_type, record_id
                rows between unbounded preceding and current row
            ) as failure_number
        from stepped
    ),
    merged as (
        select
            numbered.network_id,
            numbered.asset_id,
            cast(numbered.failure_number as integer) as failure_number,
            min(numbered.failed_at) as failed_at,
            min(numbered.known_at) as known_at,
            bool_or(numbered.record_type = 'work_order') as has_work_order,
            bool_or(numbered.record_type = 'outage') as has_outage,
            bool_or(numbered.is_fallback) as is_fallback
        from numbered
        group by numbered.network_id, numbered.asset_id, numbered.failure_number
    )
select *
from merged
