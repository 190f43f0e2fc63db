with
    work_orders as (select * from {{ ref("int_eam_work_orders_matched") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            work_order_id,
            asset_id,
            work_type,
            problem_code,
            opened_at,
            completed_at,
            cost_usd,
            is_failure,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from work_orders
        where {{ quarantine_reason("eam_work_orders") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("eam_work_orders") }}
                order by {{ latest_first("eam_work_orders") }}
            )
            = 1
    )
select *
from deduplicated
