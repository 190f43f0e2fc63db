with
    prices as (select * from {{ ref("int_market_prices_deduplicated") }}),
    -- A price beyond any offer cap is a fault of the feed: the hour counts as not priced.
    facts as (
        select
            network_id,
            zone_id,
            interval_start_at,
            case
                when abs(day_ahead_price_usd_per_mwh) <= {{ var("price_maximum_usd_per_mwh") }}
                then day_ahead_price_usd_per_mwh
            end as day_ahead_price_usd_per_mwh,
            case
                when abs(real_time_price_usd_per_mwh) <= {{ var("price_maximum_usd_per_mwh") }}
                then real_time_price_usd_per_mwh
            end as real_time_price_usd_per_mwh,
            coalesce(
                greatest(abs(day_ahead_price_usd_per_mwh), abs(real_time_price_usd_per_mwh))
                > {{ var("price_maximum_usd_per_mwh") }},
                false
            ) as has_impossible_price,
            _is_fallback as is_fallback,
            _load_id
        from prices
    )
select *
from facts
