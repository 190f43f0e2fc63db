with
    networks as (select * from {{ ref("int_networks_resolved") }}),
    load_readings as (select * from {{ ref("int_scada_load_readings_deduplicated") }}),
    transformer_days as (select * from {{ ref("int_transformer_readings_daily") }}),
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    customers_out as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    observations as (select * from {{ ref("int_weather_observations_deduplicated") }}),
    events as (select * from {{ ref("int_scada_events_deduplicated") }}),
    -- Stamps beyond the landing time are in quarantine, so one broken clock cannot move a horizon
    -- into the future.
    load_horizons as (
        select network_id, max(interval_start_at + to_minutes(interval_minutes)) as load_horizon_at
        from load_readings
        where load_mw is not null
        group by network_id
    ),
    transformer_horizons as (
        select network_id, max(last_reading_at) as transformer_horizon_at
        from transformer_days
        group by network_id
    ),
    outage_stamps as (
        select network_id, max(greatest(first_known_at, restored_at)) as outage_known_at
        from outages
        group by network_id
        union all
        select
            network_id,
            max(observed_at + to_minutes(coalesce(interval_minutes, 0))) as outage_known_at
        from customers_out
        group by network_id
    ),
    outage_horizons as (
        select network_id, max(outage_known_at) as outage_known_at
        from outage_stamps
        group by network_id
    ),
    weather_horizons as (
        select network_id, max(observed_at) as weather_horizon_at
        from observations
        group by network_id
    ),
    scada_horizons as (
        select network_id, max(event_at) as scada_horizon_at from events group by network_id
    ),
    -- No new outage for some days while load is reported is a quiet spell, not a late feed;
    -- without load nobody knows.
    horizons as (
        select
            networks.network_id,
            networks.time_zone,
            load_horizons.load_horizon_at,
            transformer_horizons.transformer_horizon_at,
            -- greatest and least skip nulls: a network without outages must not inherit the load's.
            case
                when load_horizons.load_horizon_at is null
                then outage_horizons.outage_known_at
                when outage_horizons.outage_known_at is not null
                then
                    greatest(
                        outage_horizons.outage_known_at,
                        least(
                            load_horizons.load_horizon_at,
                            outage_horizons.outage_known_at
                            + interval ({{ var("outage_quiet_days") }}) day
                        )
                    )
            end as outage_horizon_at,
            weather_horizons.weather_horizon_at,
            scada_horizons.scada_horizon_at
        from networks
        left join load_horizons on networks.network_id = load_horizons.network_id
        left join transformer_horizons on networks.network_id = transformer_horizons.network_id
        left join outage_horizons on networks.network_id = outage_horizons.network_id
        left join weather_horizons on networks.network_id = weather_horizons.network_id
        left join scada_horizons on networks.network_id = scada_horizons.network_id
    )
select *
from horizons
