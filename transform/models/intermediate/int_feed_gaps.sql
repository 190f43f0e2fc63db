{{ config(materialized="view") }}

with
    observations as (select * from {{ ref("int_weather_observations_hourly") }}),
    forecasts as (select * from {{ ref("int_weather_forecasts_deduplicated") }}),
    prices as (select * from {{ ref("int_market_prices_deduplicated") }}),
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    -- A forecast run is one delivery, so the issue is what is missing; the step is the usual one.
    issues as (select distinct network_id, issued_at from forecasts),
    issue_steps as (
        select
            network_id,
            issued_at,
            issued_at
            - lag(issued_at) over (partition by network_id order by issued_at) as issue_step
        from issues
    ),
    -- A clock some minutes off still tells the hour.
    delivered as (
        select
            'weather_observations' as raw_table,
            network_id,
            station_id as entity_id,
            observed_hour_at as delivered_at
        from observations
        union all
        select 'market_prices', network_id, zone_id, date_trunc('hour', interval_start_at)
        from prices
        union all
        select distinct
            'scada_transformer_readings',
            network_id,
            asset_id,
            date_trunc('hour', reading_at + interval 30 minute)
        from readings
        union all
        select 'weather_forecasts', network_id, 'all', issued_at
        from issues
    ),
    steps as (
        select 'weather_forecasts' as raw_table, network_id, median(issue_step) as delivery_step
        from issue_steps
        group by network_id
    ),
    spans as (
        select
            delivered.raw_table,
            delivered.network_id,
            delivered.entity_id,
            min(delivered.delivered_at) as first_at,
            max(delivered.delivered_at) as last_at
        from delivered
        group by delivered.raw_table, delivered.network_id, delivered.entity_id
    ),
    expected as (
        select
            spans.raw_table,
            spans.network_id,
            spans.entity_id,
            unnest(
                range(spans.first_at, spans.last_at, coalesce(steps.delivery_step, interval 1 hour))
            ) as missing_at
        from spans
        left join steps on spans.raw_table = steps.raw_table and spans.network_id = steps.network_id
    ),
    gaps as (
        select expected.raw_table, expected.network_id, expected.entity_id, expected.missing_at
        from expected
        anti join
            delivered
            on expected.raw_table = delivered.raw_table
            and expected.network_id = delivered.network_id
            and expected.entity_id = delivered.entity_id
            and expected.missing_at = delivered.delivered_at
    )
select *
from gaps
