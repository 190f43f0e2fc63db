with
    work_orders as (select * from {{ ref("int_eam_work_orders_matched") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            work_order_id,
            asset_id,
            work_type,
            problem_code,
            opened_at,
            completed_at,
            cost_usd,
            {{ quarantine_reason("eam_work_orders") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from work_orders
        where {{ quarantine_reason("eam_work_orders") }} is not null
    )
select *
from quarantined
