with
    prices as (select * from {{ ref("stg_market__prices") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            zone_id,
            interval_start_at,
            day_ahead_price_usd_per_mwh,
            real_time_price_usd_per_mwh,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from prices
        where {{ quarantine_reason("market_prices") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("market_prices") }}
                order by {{ latest_first("market_prices") }}
            )
            = 1
    )
select *
from deduplicated
