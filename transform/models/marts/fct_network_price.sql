with
    prices as (select * from {{ ref("fct_market_price") }}),
    networks as (select * from {{ ref("dim_networks") }}),
    -- Mean over the zones of a network, with what being short or long of energy cost in the hour.
    hourly as (
        select
            prices.network_id,
            prices.interval_start_at,
            {{ exact_mean("prices.day_ahead_price_usd_per_mwh") }} as day_ahead_price_usd_per_mwh,
            {{ exact_mean("prices.real_time_price_usd_per_mwh") }} as real_time_price_usd_per_mwh,
            {{
                exact_mean(
                    "prices.real_time_price_usd_per_mwh - prices.day_ahead_price_usd_per_mwh"
                )
            }} as spread_usd_per_mwh,
            bool_or(prices.is_fallback) as is_fallback
        from prices
        group by prices.network_id, prices.interval_start_at
    ),
    facts as (
        select
            hourly.network_id,
            hourly.interval_start_at,
            cast(
                hour(timezone(networks.time_zone, hourly.interval_start_at)) as integer
            ) as local_hour,
            hourly.day_ahead_price_usd_per_mwh,
            hourly.real_time_price_usd_per_mwh,
            case
                when hourly.spread_usd_per_mwh is not null
                then greatest(hourly.spread_usd_per_mwh, 0)
            end as shortage_cost_usd_per_mwh,
            case
                when hourly.spread_usd_per_mwh is not null
                then greatest(- hourly.spread_usd_per_mwh, 0)
            end as surplus_cost_usd_per_mwh,
            hourly.is_fallback
        from hourly
        inner join networks on hourly.network_id = networks.network_id
    )
select *
from facts
