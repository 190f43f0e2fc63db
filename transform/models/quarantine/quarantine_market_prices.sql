with
    prices as (select * from {{ ref("stg_market__prices") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            zone_id,
            interval_start_at,
            day_ahead_price_usd_per_mwh,
            real_time_price_usd_per_mwh,
            {{ quarantine_reason("market_prices") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from prices
        where {{ quarantine_reason("market_prices") }} is not null
    )
select *
from quarantined
