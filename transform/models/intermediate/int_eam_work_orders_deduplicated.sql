with
    work_orders as (select * from {{ ref("stg_eam__work_orders") }}),
    registered as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    known_assets as (select distinct network_id, asset_id, true as is_asset_known from registered),
    -- An order is placed by its asset; orders on assets the register has never seen go to
    -- quarantine.
    matched as (
        select
            work_orders.network_id,
            work_orders.work_order_id,
            work_orders.asset_id,
            work_orders.work_type,
            work_orders.problem_code,
            work_orders.opened_at,
            work_orders.completed_at,
            work_orders.cost_usd,
            coalesce(known_assets.is_asset_known, false) as is_asset_known,
            work_orders.is_in_future,
            work_orders.is_failure,
            work_orders._load_id,
            work_orders._source,
            work_orders._source_file,
            work_orders._source_row,
            work_orders._ingested_at,
            work_orders._parse_error,
            work_orders._is_fallback
        from work_orders
        left join
            known_assets
            on work_orders.network_id = known_assets.network_id
            and work_orders.asset_id = known_assets.asset_id
    ),
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
        from matched
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
