{{ config(materialized="view") }}

with
    customers as (select * from {{ ref("int_cis_customers_deduplicated") }}),
    transformers as (select * from {{ ref("int_transformer_installations") }}),
    registers as (select distinct network_id from transformers),
    -- A service point without a feeder is counted on the feeder of its transformer. An asset is an
    -- orphan only where there is a register that could know it.
    placed as (
        select
            customers.network_id,
            customers.customer_id,
            coalesce(customers.feeder_id, transformers.feeder_id) as feeder_id,
            customers.asset_id,
            customers.is_critical,
            customers.feeder_id is null as is_feeder_missing,
            customers.asset_id is not null
            and transformers.asset_id is null
            and registers.network_id is not null as is_asset_orphan,
            customers._is_fallback as is_fallback
        from customers
        left join
            transformers
            on customers.network_id = transformers.network_id
            and customers.asset_id = transformers.asset_id
            and transformers.is_current
        left join registers on customers.network_id = registers.network_id
    )
select *
from placed
