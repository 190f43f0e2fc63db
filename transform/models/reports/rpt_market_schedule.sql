with
    forecasts as (select * from {{ source("ml", "load_forecast") }}),
    prices as (select * from {{ ref("fct_market_price") }}),
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
            run_id,
            materialization_id,
            model_version,
            scored_at
        from forecasts
        where {{ is_live_score() }} and series_type = 'system'
        qualify {{ is_last_materialization() }}
    ),
    hourly_prices as (
        select
            prices.network_id,
            prices.interval_start_at,
            hour(timezone(networks.time_zone, prices.interval_start_at)) as local_hour,
            {{ exact_mean("prices.day_ahead_price_usd_per_mwh") }} as day_ahead_price_usd_per_mwh,
            {{ exact_mean("prices.real_time_price_usd_per_mwh") }} as real_time_price_usd_per_mwh,
            bool_or(prices.is_fallback) as is_fallback
        from prices
        inner join networks on prices.network_id = networks.network_id
        group by prices.network_id, prices.interval_start_at, local_hour
    ),
    hours as (
        select
            live.network_id,
            live.series_id,
            live.issued_at,
            live.valid_at,
            hour(timezone(networks.time_zone, live.valid_at)) as local_hour,
            live.p05_load_mw,
            live.p50_load_mw,
            live.p95_load_mw,
            live.is_fallback,
            live.run_id,
            live.materialization_id,
            live.model_version,
            live.scored_at
        from live
        inner join networks on live.network_id = networks.network_id
    ),
    -- Cost of an hour short (real time above day ahead) and long, from the prices known at issue.
    spreads as (
        select
            hours.network_id,
            hours.series_id,
            hours.valid_at,
            {{ exact_mean("hourly_prices.day_ahead_price_usd_per_mwh") }}
            as usual_price_usd_per_mwh,
            {{
                exact_mean(
                    "greatest(hourly_prices.real_time_price_usd_per_mwh - hourly_prices.day_ahead_price_usd_per_mwh, 0)"
                )
            }}
            as shortage_cost_usd_per_mwh,
            {{
                exact_mean(
                    "greatest(hourly_prices.day_ahead_price_usd_per_mwh - hourly_prices.real_time_price_usd_per_mwh, 0)"
                )
            }}
            as surplus_cost_usd_per_mwh,
            bool_or(hourly_prices.is_fallback) as is_fallback
        from hours
        inner join
            hourly_prices
            on hours.network_id = hourly_prices.network_id
            and hours.local_hour = hourly_prices.local_hour
            and hourly_prices.interval_start_at < hours.issued_at
            and hourly_prices.interval_start_at
            >= hours.issued_at - interval ({{ var("price_history_days") }}) day
        group by hours.network_id, hours.series_id, hours.valid_at
    ),
    -- Newsvendor: buy the quantile shortage / (shortage + surplus), within what the forecast
    -- states.
    quantiles as (
        select
            hours.network_id,
            hours.series_id,
            hours.issued_at,
            hours.valid_at,
            hours.p05_load_mw,
            hours.p50_load_mw,
            hours.p95_load_mw,
            coalesce(
                hourly_prices.day_ahead_price_usd_per_mwh, spreads.usual_price_usd_per_mwh
            ) as price_usd_per_mwh,
            case
                when hourly_prices.day_ahead_price_usd_per_mwh is not null
                then 'cleared'
                when spreads.usual_price_usd_per_mwh is not null
                then 'usual'
                else 'none'
            end as price_source,
            spreads.shortage_cost_usd_per_mwh,
            spreads.surplus_cost_usd_per_mwh,
            least(
                greatest(
                    coalesce(
                        spreads.shortage_cost_usd_per_mwh / nullif(
                            spreads.shortage_cost_usd_per_mwh + spreads.surplus_cost_usd_per_mwh, 0
                        ),
                        0.5
                    ),
                    0.05
                ),
                0.95
            ) as bid_quantile,
            hours.is_fallback or coalesce(spreads.is_fallback, false) as is_fallback,
            hours.run_id,
            hours.materialization_id,
            hours.model_version,
            hours.scored_at
        from hours
        left join
            spreads
            on hours.network_id = spreads.network_id
            and hours.series_id = spreads.series_id
            and hours.valid_at = spreads.valid_at
        left join
            hourly_prices
            on hours.network_id = hourly_prices.network_id
            and hours.valid_at = hourly_prices.interval_start_at
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
            run_id,
            materialization_id,
            model_version,
            scored_at
        from quantiles
    )
select *
from scheduled
