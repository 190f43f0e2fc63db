with
    market_prices as (select * from {{ source("raw", "market_prices") }}),
    staged as (
        select
            network_id,
            zone_id,
            interval_start_at,
            day_ahead_price_usd_per_mwh,
            real_time_price_usd_per_mwh,
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from market_prices
    )
select *
from staged
