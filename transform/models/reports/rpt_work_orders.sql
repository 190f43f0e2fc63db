with
    scores as (select * from {{ source("ml", "transformer_failure_scores") }}),
    transformers as (select * from {{ ref("dim_transformers") }}),
    drivers as (select * from {{ ref("dim_failure_drivers") }}),
    conditions as (select * from {{ ref("feat_transformer_failure__weekly") }}),
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
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    ranked as (
        select
            live.network_id,
            live.asset_id,
            live.valid_at,
            transformers.substation_id,
            transformers.feeder_id,
            transformers.customers_count,
            transformers.critical_customers_count,
            live.failure_probability,
            live.failure_probability_low,
            live.failure_probability_high,
            live.top_driver,
            live.second_driver,
            first_driver.driver_text as top_driver_text,
            next_driver.driver_text as second_driver_text,
            coalesce(first_driver.recommended_work_type, 'INSP') as recommended_work_type,
            coalesce(
                first_driver.recommended_action, 'Inspect the unit and take an oil sample.'
            ) as recommended_action,
            conditions.mean_hydrogen_ppm_28d,
            conditions.hydrogen_change_ppm,
            conditions.mean_acetylene_ppm_28d,
            conditions.mean_top_oil_residual_k_28d,
            conditions.age_years,
            percent_rank() over (
                partition by live.network_id order by live.failure_probability desc
            ) as fleet_rank_share,
            live.is_fallback or coalesce(transformers.is_fallback, false) as is_fallback,
            live.run_id,
            live.materialization_id,
            live.model_version,
            live.scored_at
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
    ),
    prioritised as (
        select
            network_id,
            asset_id,
            valid_at,
            substation_id,
            feeder_id,
            cast(
                case
                    when failure_probability >= {{ var("urgent_failure_probability") }}
                    then 1
                    when failure_probability >= {{ var("high_failure_probability") }}
                    then 2
                    when failure_probability >= {{ var("raised_failure_probability") }}
                    then 3
                    else 4
                end as integer
            ) as priority,
            recommended_work_type,
            recommended_action,
            {{ work_order_reason() }} as reason_text,
            failure_probability,
            failure_probability_low,
            failure_probability_high,
            failure_probability * coalesce(customers_count, 0) as expected_customers_out,
            top_driver,
            second_driver,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from ranked
        -- Units at risk, and in a sound fleet still its worst part: somebody always looks at the
        -- first on the list.
        where
            failure_probability >= {{ var("raised_failure_probability") }}
            or fleet_rank_share <= {{ var("work_order_fleet_share") }}
    ),
    planned as (
        select
            network_id,
            asset_id,
            valid_at,
            network_id
            || '/'
            || asset_id
            || '/'
            || strftime(valid_at, '%Y-%m-%d') as recommendation_id,
            substation_id,
            feeder_id,
            priority,
            cast(
                row_number() over (
                    partition by network_id
                    order by
                        priority, expected_customers_out desc, failure_probability desc, asset_id
                ) as integer
            ) as priority_rank,
            recommended_work_type,
            recommended_action,
            cast(valid_at as date) + {{ due_days("priority") }} as due_date,
            reason_text,
            failure_probability,
            failure_probability_low,
            failure_probability_high,
            expected_customers_out,
            top_driver,
            second_driver,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from prioritised
    )
select *
from planned
