with
    steps as (select * from {{ ref("int_outage_restorations_stepped") }}),
    customers as (select * from {{ ref("int_cis_customers_placed") }}),
    on_feeders as (
        select network_id, feeder_id, count(*) as customers_count
        from customers
        group by network_id, feeder_id
    ),
    on_assets as (
        select network_id, asset_id, count(*) as customers_count
        from customers
        group by network_id, asset_id
    ),
    interruptions as (
        select
            network_id,
            outage_id,
            started_at,
            feeder_id,
            asset_id,
            local_date,
            sum(customers_restored_count) as sustained_customers_count,
            bool_or(is_fallback) as is_fallback
        from steps
        where interruption_type <> 'momentary' and not is_planned
        group by network_id, outage_id, started_at, feeder_id, asset_id, local_date
    ),
    -- Who was out is known when everybody was: all customers of the failed unit, or of the feeder.
    attributed as (
        select
            interruptions.network_id,
            interruptions.outage_id,
            interruptions.started_at,
            interruptions.feeder_id,
            interruptions.asset_id,
            interruptions.local_date,
            cast(interruptions.sustained_customers_count as bigint) as sustained_customers_count,
            case
                when interruptions.sustained_customers_count = on_assets.customers_count
                then 'asset'
                when interruptions.sustained_customers_count >= on_feeders.customers_count
                then 'feeder'
                else 'unknown'
            end as reach_type,
            interruptions.is_fallback
        from interruptions
        left join
            on_feeders
            on interruptions.network_id = on_feeders.network_id
            and interruptions.feeder_id = on_feeders.feeder_id
        left join
            on_assets
            on interruptions.network_id = on_assets.network_id
            and interruptions.asset_id = on_assets.asset_id
    )
select *
from attributed
