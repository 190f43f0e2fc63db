{{ config(materialized="view") }}

with
    work_orders as (select * from {{ ref("stg_eam__work_orders") }}),
    registered as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    known_assets as (select distinct network_id, asset_id from registered),
    registers as (select distinct network_id from registered),
    -- An asset is an orphan only where there is a register that could know it.
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
            work_orders.is_in_future,
            work_orders.is_failure,
            work_orders._load_id,
            work_orders._source,
            work_orders._source_file,
            work_orders._source_row,
            work_orders._ingested_at,
            work_orders._parse_error,
            work_orders._is_fallback,
            registers.network_id is not null and known_assets.asset_id is null as is_asset_orphan
        from work_orders
        left join registers on work_orders.network_id = registers.network_id
        left join
            known_assets
            on work_orders.network_id = known_assets.network_id
            and work_orders.asset_id = known_assets.asset_id
    )
select *
from matched
