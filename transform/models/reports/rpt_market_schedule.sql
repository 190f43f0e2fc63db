with
    forecasts as (select * from {{ source("ml", "load_forecast") }}),
    prices as (select * from {{ ref("fct_network_price") }}),
    networks as (select * from {{ ref("dim_networks") }}),
    -- What is bought is the load of the whole system.
    live as (
        select
            network_id,
            series_id,
            issued_at,
            valid_at,
            p05_load_mw,
            p50_load_mw,
            p95_load_mw,
            is_fallback,
            {{ score_provenance() }}
        from forecasts
        where {{ is_live_score() }} and series_type = 'system'
        qualify {{ is_last_materialization() }}
    ),
    -- Usual price and spreads of the local hour, from the prices known at issue.
    usual as (
        select
            live.network_id,
            live.series_id,
            live.valid_at,
            {{ exact_mean("prices.day_ahead_price_usd_per_mwh") }} as price_usd_per_mwh,
            {{ exact_mean("prices.shortage_cost_usd_per_mwh") }} as shortage_cost_usd_per_mwh,
            {{ exact_mean("prices.surplus_cost_usd_per_mwh") }} as surplus_cost_usd_per_mwh,
            bool_or(prices.is_fallback) as is_fallback
        from live
        inner join networks on live.network_id = networks.network_id
        inner join
            prices
            on live.network_id = prices.network_id
            and hour(timezone(networks.time_zone, live.valid_at)) = prices.local_hour
            and live.issued_at > prices.interval_start_at
            and live.issued_at - interval ({{ var("price_history_days") }}) day
            <= prices.interval_start_at
        group by live.network_id, live.series_id, live.valid_at
    ),
    -- Newsvendor: shortage / (shortage + surplus), within the quantiles the forecast states.
    priced as (
        select
            live.network_id,
            live.series_id,
            live.issued_at,
            live.valid_at,
            live.p05_load_mw,
            live.p50_load_mw,
            live.p95_load_mw,
            coalesce(
                prices.day_ahead_price_usd_per_mwh, usual.price_usd_per_mwh
            ) as price_usd_per_mwh,
            case
                when prices.day_ahead_price_usd_per_mwh is not null
                then 'cleared'
                when usual.price_usd_per_mwh is not null
                then 'usual'
                else 'none'
            end as price_source,
            usual.shortage_cost_usd_per_mwh,
            usual.surplus_cost_usd_per_mwh,
            {{ newsvendor_quantile("usual") }} as bid_quantile,
            live.is_fallback or coalesce(usual.is_fallback, false) as is_fallback,
            {{ score_provenance("live") }}
        from live
        left join
            usual
            on live.network_id = usual.network_id
            and live.series_id = usual.series_id
            and live.valid_at = usual.valid_at
        left join
            prices
            on live.network_id = prices.network_id
            and live.valid_at = prices.interval_start_at
    ),
    scheduled as (
        select
            network_id,
            series_id,
            valid_at,
            issued_at,
            {{ bid_at_quantile("bid_quantile") }} as bid_mw,
            bid_quantile,
            p05_load_mw,
            p50_load_mw,
            p95_load_mw,
            price_usd_per_mwh,
            price_source,
            shortage_cost_usd_per_mwh,
            surplus_cost_usd_per_mwh,
            {{ bid_at_quantile("bid_quantile") }} * price_usd_per_mwh as expected_cost_usd,
            is_fallback,
            {{ score_provenance() }}
        from priced
    )
select *
from scheduled
