with
    forecasts as (select * from {{ source("ml", "load_forecast") }}),
    feeders as (select * from {{ ref("dim_feeders") }}),
    -- Set points are for feeders; zones and systems have no regulator.
    live as (
        select
            network_id,
            series_id as feeder_id,
            issued_at,
            valid_at,
            p50_load_mw,
            p95_load_mw,
            is_fallback,
            {{ score_provenance() }}
        from forecasts
        where {{ is_live_score() }} and series_type = 'feeder'
        qualify {{ is_last_materialization() }}
    ),
    -- Drop to the far end, 120 V base: dV/V = P (r + x tan phi) L k / U^2, load spread evenly (k
    -- = 0.5). Planned on
    -- the 95 % load so that the median hour has room to spare. Feed-in lifts no set point: drop
    -- is at least zero.
    dropped as (
        select
            live.network_id,
            live.feeder_id,
            live.valid_at,
            live.issued_at,
            live.p50_load_mw,
            live.p95_load_mw,
            live.p95_load_mw / nullif(feeders.rated_mw, 0) as load_share,
            greatest(
                coalesce(
                    {{ var("nominal_voltage_v") }}
                    * live.p95_load_mw
                    * {{ var("line_impedance_ohm_per_km") }}
                    * feeders.length_km
                    * {{ var("distributed_load_factor") }}
                    / nullif(feeders.voltage_kv * feeders.voltage_kv, 0),
                    {{ var("voltage_drop_at_rating_v") }}
                    * live.p95_load_mw
                    / nullif(feeders.rated_mw, 0),
                    {{ var("voltage_drop_at_rating_v") }}
                ),
                0
            ) as voltage_drop_v,
            live.is_fallback or coalesce(feeders.is_fallback, false) as is_fallback,
            {{ score_provenance("live") }}
        from live
        left join
            feeders on live.network_id = feeders.network_id and live.feeder_id = feeders.feeder_id
    ),
    -- ANSI C84.1 range A, 114-126 V: as low as the far end allows, never above the upper limit.
    planned as (
        select
            network_id,
            feeder_id,
            valid_at,
            issued_at,
            p50_load_mw,
            p95_load_mw,
            load_share,
            voltage_drop_v,
            {{ voltage_set_point_v("voltage_drop_v") }} as set_point_v,
            {{ voltage_set_point_v("voltage_drop_v") }} - voltage_drop_v as end_of_feeder_voltage_v,
            {{ voltage_set_point_v("voltage_drop_v") }} - voltage_drop_v
            >= {{ var("minimum_voltage_v") }} as is_within_limits,
            is_fallback,
            {{ score_provenance() }}
        from dropped
    )
select *
from planned
