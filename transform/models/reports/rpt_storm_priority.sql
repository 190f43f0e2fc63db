with
    scores as (select * from {{ source("ml", "outage_risk_scores") }}),
    feeders as (select * from {{ ref("dim_feeders") }}),
    conditions as (select * from {{ ref("feat_outage_risk__daily") }}),
    restoration_scores as (select * from {{ source("ml", "restoration_time_scores") }}),
    outages as (select * from {{ ref("fct_outage") }}),
    drift as (select * from {{ source("ml", "outage_risk_drift") }}),
    drifted as ({{ drifted_features_of("drift") }}),
    {{ expected_restoration_steps() }},
    -- Backtests and earlier issues stay in the scored table; the list shows the last live issue.
    live as (
        select
            network_id,
            feeder_id,
            outage_date,
            issued_at,
            outage_probability,
            expected_outage_count,
            expected_customers_out,
            missing_features,
            missing_feature_share,
            is_fallback,
            {{ score_provenance() }}
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    weighted as (
        select
            live.network_id,
            live.feeder_id,
            live.outage_date,
            feeders.substation_id,
            live.issued_at,
            live.outage_probability,
            live.expected_outage_count,
            live.expected_customers_out,
            {{ expected_restoration_hours() }} * 60 as expected_restoration_minutes,
            feeder_restorations.restoration_hours is not null as is_restoration_foretold,
            feeders.customers_count,
            coalesce(feeders.critical_customers_count, 0) as critical_customers_count,
            1
            + {{ var("critical_customer_weight") }}
            * coalesce(
                feeders.critical_customers_count / nullif(feeders.customers_count, 0), 0
            ) as criticality_factor,
            conditions.peak_gust_forecast_mps,
            coalesce(conditions.outage_count_28d, 0) as outage_count_28d,
            live.missing_features,
            {{
                low_confidence_reason(
                    "live.missing_feature_share",
                    "drifted.drifted_features",
                    "Unlike earlier years",
                )
            }} as low_confidence_reason,
            live.is_fallback,
            {{ score_provenance("live") }}
        from live
        left join
            feeders on live.network_id = feeders.network_id and live.feeder_id = feeders.feeder_id
        left join
            conditions
            on live.network_id = conditions.network_id
            and live.feeder_id = conditions.feeder_id
            and live.outage_date = conditions.outage_date
        left join
            feeder_restorations
            on live.network_id = feeder_restorations.network_id
            and live.feeder_id = feeder_restorations.feeder_id
        left join network_restorations on live.network_id = network_restorations.network_id
        left join drifted on live.network_id = drifted.network_id
    ),
    prioritised as (
        select
            network_id,
            feeder_id,
            outage_date,
            cast(
                row_number() over (
                    partition by network_id, outage_date
                    order by
                        expected_customers_out
                        * expected_restoration_minutes
                        * criticality_factor desc,
                        outage_probability desc,
                        feeder_id asc
                ) as integer
            ) as priority_rank,
            substation_id,
            issued_at,
            expected_customers_out
            * expected_restoration_minutes
            * criticality_factor as priority_score,
            outage_probability,
            expected_outage_count,
            expected_customers_out,
            expected_restoration_minutes,
            expected_customers_out * expected_restoration_minutes as expected_customer_minutes_out,
            is_restoration_foretold,
            customers_count,
            critical_customers_count,
            criticality_factor,
            peak_gust_forecast_mps,
            outage_count_28d,
            {{ storm_reason() }} as reason_text,
            missing_features,
            low_confidence_reason is not null as is_low_confidence,
            low_confidence_reason,
            is_fallback,
            {{ score_provenance() }}
        from weighted
    )
select *
from prioritised
