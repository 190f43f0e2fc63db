with
    scores as (select * from {{ source("ml", "transformer_failure_scores") }}),
    transformers as (select * from {{ ref("dim_transformers") }}),
    drivers as (select * from {{ ref("dim_failure_drivers") }}),
    conditions as (select * from {{ ref("feat_transformer_failure__weekly") }}),
    consequences as (select * from {{ ref("fct_transformer_consequence") }}),
    insulation as (select * from {{ ref("fct_transformer_insulation_life") }}),
    oil_tests as (select * from {{ ref("fct_oil_test_latest") }}),
    health_scores as (select * from {{ source("ml", "transformer_health_scores") }}),
    oil_scores as (select * from {{ source("ml", "top_oil_scores") }}),
    drift as (select * from {{ source("ml", "transformer_failure_drift") }}),
    drifted as ({{ drifted_features_of("drift") }}),
    last_health as (
        select network_id, asset_id, health_index
        from health_scores
        where {{ is_live_score() }} and asset_id is not null
        qualify
            {{ is_last_materialization() }}
            and row_number() over (
                partition by network_id, asset_id, materialization_id
                order by valid_at desc, sample_id desc
            )
            = 1
    ),
    last_hindcast as (
        select network_id, asset_id, valid_at, thermal_residual_k
        from oil_scores
        where score_kind = 'hindcast' and thermal_residual_k is not null
        qualify
            {{ is_last_materialization() }}
            and valid_at
            > max(valid_at) over (partition by network_id, materialization_id)
            - interval ({{ var("thermal_residual_days") }}) day
    ),
    thermal as (
        select network_id, asset_id, {{ exact_mean("thermal_residual_k") }} as thermal_residual_k
        from last_hindcast
        group by network_id, asset_id
    ),
    live as (
        select
            network_id,
            asset_id,
            valid_at,
            failure_probability,
            failure_probability_low,
            failure_probability_high,
            top_driver,
            second_driver,
            missing_feature_share,
            {{ failure_priority("failure_probability") }} as priority,
            percent_rank() over (
                partition by network_id order by failure_probability desc
            ) as fleet_rank_share,
            is_fallback,
            {{ score_provenance() }}
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    -- Units at risk, and in a sound fleet still its worst part: the first on a list get looked at.
    selected as (
        select
            live.network_id,
            live.asset_id,
            live.valid_at,
            transformers.substation_id,
            transformers.feeder_id,
            live.priority,
            coalesce(first_driver.recommended_work_type, 'INSP') as recommended_work_type,
            coalesce(
                first_driver.recommended_action, 'Inspect the unit and take an oil sample.'
            ) as recommended_action,
            live.failure_probability,
            live.failure_probability_low,
            live.failure_probability_high,
            live.failure_probability
            * coalesce(transformers.customers_count, 0) as expected_customers_out,
            consequences.expected_repair_hours,
            consequences.customer_hours_out,
            consequences.replacement_cost_usd,
            consequences.consequence_usd,
            live.failure_probability * consequences.consequence_usd as risk_usd,
            insulation.remaining_insulation_life_years,
            last_health.health_index,
            oil_tests.dga_fault,
            thermal.thermal_residual_k,
            live.top_driver,
            live.second_driver,
            {{ work_order_reason("first_driver.driver_text", "next_driver.driver_text") }}
            || {{ condition_reason() }} as reason_text,
            {{ low_confidence_reason("live.missing_feature_share", "drifted.drifted_features") }}
            as low_confidence_reason,
            live.is_fallback or coalesce(transformers.is_fallback, false) as is_fallback,
            {{ score_provenance("live") }}
        from live
        left join
            transformers
            on live.network_id = transformers.network_id
            and live.asset_id = transformers.asset_id
        left join drivers as first_driver on live.top_driver = first_driver.feature_name
        left join drivers as next_driver on live.second_driver = next_driver.feature_name
        left join
            conditions
            on live.network_id = conditions.network_id
            and live.asset_id = conditions.asset_id
            and live.valid_at = conditions.valid_at
        left join
            consequences
            on live.network_id = consequences.network_id
            and live.asset_id = consequences.asset_id
        left join
            insulation
            on live.network_id = insulation.network_id
            and live.asset_id = insulation.asset_id
        left join
            oil_tests
            on live.network_id = oil_tests.network_id
            and live.asset_id = oil_tests.asset_id
        left join
            last_health
            on live.network_id = last_health.network_id
            and live.asset_id = last_health.asset_id
        left join
            thermal on live.network_id = thermal.network_id and live.asset_id = thermal.asset_id
        left join drifted on live.network_id = drifted.network_id
        where
            live.failure_probability >= {{ var("raised_failure_probability") }}
            or live.fleet_rank_share <= {{ var("work_order_fleet_share") }}
    ),
    planned as (
        select
            network_id,
            asset_id,
            valid_at,
            concat_ws(
                '/', network_id, asset_id, strftime(valid_at, '%Y-%m-%d')
            ) as recommendation_id,
            substation_id,
            feeder_id,
            priority,
            cast(row_number() over work_list as integer) as priority_rank,
            recommended_work_type,
            recommended_action,
            cast(valid_at as date) + {{ due_days("priority") }} as due_date,
            reason_text,
            failure_probability,
            failure_probability_low,
            failure_probability_high,
            expected_customers_out,
            expected_repair_hours,
            customer_hours_out,
            replacement_cost_usd,
            consequence_usd,
            risk_usd,
            remaining_insulation_life_years,
            health_index,
            dga_fault,
            thermal_residual_k,
            top_driver,
            second_driver,
            low_confidence_reason is not null as is_low_confidence,
            low_confidence_reason,
            is_fallback,
            {{ score_provenance() }}
        from selected
        window
            work_list as (
                partition by network_id
                order by
                    priority asc, risk_usd desc nulls last, failure_probability desc, asset_id asc
            )
    )
select *
from planned
