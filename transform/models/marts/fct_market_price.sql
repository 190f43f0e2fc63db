with
    prices as (select * from {{ ref("int_market_prices_deduplicated") }}),
    facts as (
        select
            network_id,
            zone_id,
            interval_start_at,
            day_ahead_price_usd_per_mwh,
            real_time_price_usd_per_mwh,
            _is_fallback as is_fallback,
            _load_id
        from prices
    )
select *
from facts
