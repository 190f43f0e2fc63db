{{ config(materialized="view") }}

with
    observations as (select * from {{ ref("int_weather_observations_hourly") }}),
    forecasts as (select * from {{ ref("int_weather_forecasts_deduplicated") }}),
    prices as (select * from {{ ref("int_market_prices_deduplicated") }}),
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    installations as (select * from {{ ref("int_transformer_installations") }}),
    units as (
        select network_id, asset_id, installed_on, out_of_service_at
        from installations
        where is_current
    ),
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
        select
            'market_prices' as raw_table,
            network_id,
            zone_id as entity_id,
            date_trunc('hour', interval_start_at) as delivered_at
        from prices
        union all
        select distinct
            'scada_transformer_readings' as raw_table,
            network_id,
            asset_id as entity_id,
            date_trunc('hour', reading_at + interval 30 minute) as delivered_at
        from readings
        union all
        select
            'weather_forecasts' as raw_table,
            network_id,
            'all' as entity_id,
            issued_at as delivered_at
        from issues
    ),
    steps as (
        select 'weather_forecasts' as raw_table, network_id, median(issue_step) as delivery_step
        from issue_steps
        group by network_id
    ),
    spans as (
        select
            raw_table,
            network_id,
            entity_id,
            min(delivered_at) as first_at,
            max(delivered_at) as last_at
        from delivered
        group by raw_table, network_id, entity_id
    ),
    feeds as (
        select raw_table, network_id, min(first_at) as first_at, max(last_at) as last_at
        from spans
        group by raw_table, network_id
    ),
    -- A silent end is a gap too, unless the unit has failed or was not there yet.
    bounded as (
        select
            spans.raw_table,
            spans.network_id,
            spans.entity_id,
            case
                when units.installed_on < feeds.first_at then feeds.first_at else spans.first_at
            end as first_at,
            case
                when units.asset_id is not null and units.out_of_service_at is null
                then feeds.last_at
                else spans.last_at
            end as last_at
        from spans
        inner join
            feeds on spans.raw_table = feeds.raw_table and spans.network_id = feeds.network_id
        left join
            units
            on spans.raw_table = 'scada_transformer_readings'
            and spans.network_id = units.network_id
            and spans.entity_id = units.asset_id
    ),
    expected as (
        select
            bounded.raw_table,
            bounded.network_id,
            bounded.entity_id,
            unnest(
                range(
                    bounded.first_at,
                    bounded.last_at + interval 1 second,
                    coalesce(steps.delivery_step, interval 1 hour)
                )
            ) as missing_at
        from bounded
        left join
            steps on bounded.raw_table = steps.raw_table and bounded.network_id = steps.network_id
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
