with
    eam_work_orders as (select * from {{ source("raw", "eam_work_orders") }}),
    staged as (
        select
            network_id,
            work_order_id,
            asset_id,
            upper(trim(work_type)) as work_type,
            upper(trim(problem_code)) as problem_code,
            opened_at,
            completed_at,
            cost_usd,
            _parse_error is not null as has_parse_error,
            coalesce(
                opened_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            coalesce(upper(trim(problem_code)) = 'FAILED', false) as is_failure,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from eam_work_orders
    )
select *
from staged
