with
    installations as (select * from {{ ref("int_transformer_installations") }}),
    customers as (select * from {{ ref("int_cis_customers_deduplicated") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    counted as (
        select
            network_id,
            asset_id,
            cast(count(*) as integer) as customers_count,
            cast(count(*) filter (where is_critical) as integer) as critical_customers_count
        from customers
        where asset_id is not null
        group by network_id, asset_id
    ),
    -- The unit that bears the asset id now; earlier units of a re-used id live in
    -- int_transformer_installations.
    dimension as (
        select
            installations.network_id,
            installations.asset_id,
            installations.substation_id,
            installations.feeder_id,
            installations.manufacturer,
            installations.cooling_code,
            installations.rated_mva,
            installations.rated_top_oil_rise_k,
            installations.installed_on,
            installations.retired_on,
            installations.failed_at,
            installations.latitude,
            installations.longitude,
            coalesce(counted.customers_count, 0) as customers_count,
            coalesce(counted.critical_customers_count, 0) as critical_customers_count,
            installations.out_of_service_at is null
            or coalesce(
                installations.out_of_service_at > horizons.transformer_horizon_at, false
            ) as is_in_service,
            installations.is_asset_id_reused,
            installations.is_substation_orphan,
            installations.is_fallback
        from installations
        left join
            counted
            on installations.network_id = counted.network_id
            and installations.asset_id = counted.asset_id
        left join horizons on installations.network_id = horizons.network_id
        where installations.is_current
    )
select *
from dimension
