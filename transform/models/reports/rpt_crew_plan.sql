with
    scores as (select * from {{ source("ml", "outage_risk_scores") }}),
    feeders as (select * from {{ ref("dim_feeders") }}),
    live as (
        select
            network_id,
            feeder_id,
            outage_date,
            expected_outage_count,
            expected_customers_out,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    -- Crews are stationed at substations; where the source knows none, the area that stands in
    -- for a feeder is the base.
    by_base as (
        select
            live.network_id,
            coalesce(feeders.substation_id, live.feeder_id) as substation_id,
            live.outage_date,
            {{ exact_sum("live.expected_outage_count") }} as expected_outage_count,
            {{ exact_sum("live.expected_customers_out") }} as expected_customers_out,
            cast(count(*) as integer) as feeder_count,
            bool_or(live.is_fallback) as is_fallback,
            min(live.run_id) as run_id,
            min(live.materialization_id) as materialization_id,
            min(live.model_version) as model_version,
            min(live.scored_at) as scored_at
        from live
        left join
            feeders on live.network_id = feeders.network_id and live.feeder_id = feeders.feeder_id
        group by live.network_id, coalesce(feeders.substation_id, live.feeder_id), live.outage_date
    ),
    needed as (
        select
            network_id,
            substation_id,
            outage_date,
            feeder_count,
            expected_outage_count,
            expected_customers_out,
            expected_outage_count
            * {{ var("repair_hours") }}
            / {{ var("crew_shift_hours") }} as crews_needed,
            sum(
                cast(
                    expected_outage_count
                    * {{ var("repair_hours") }}
                    / {{ var("crew_shift_hours") }} as decimal(32, 6)
                )
            ) over (partition by network_id, outage_date) as network_crews_needed,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from by_base
    ),
    -- The budget, or less when less is needed, shared in proportion to need.
    shared as (
        select
            network_id,
            substation_id,
            outage_date,
            feeder_count,
            expected_outage_count,
            expected_customers_out,
            crews_needed,
            least(
                {{ var("crew_budget_count") }}, ceil(cast(network_crews_needed as double))
            ) as network_crew_count,
            coalesce(
                least({{ var("crew_budget_count") }}, ceil(cast(network_crews_needed as double)))
                * crews_needed
                / nullif(cast(network_crews_needed as double), 0),
                0
            ) as crew_share,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from needed
    ),
    -- Largest remainder: whole crews first, what is left goes to the largest fractions.
    ranked as (
        select
            network_id,
            substation_id,
            outage_date,
            feeder_count,
            expected_outage_count,
            expected_customers_out,
            crews_needed,
            floor(crew_share) as whole_crew_count,
            network_crew_count
            - sum(floor(crew_share)) over (partition by network_id, outage_date) as left_crew_count,
            row_number() over (
                partition by network_id, outage_date
                order by
                    crew_share - floor(crew_share) desc, expected_customers_out desc, substation_id
            ) as remainder_rank,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from shared
    ),
    planned as (
        select
            network_id,
            substation_id,
            outage_date,
            cast(
                whole_crew_count
                + case when remainder_rank <= left_crew_count then 1 else 0 end as integer
            ) as crew_count,
            crews_needed,
            feeder_count,
            expected_outage_count,
            expected_customers_out,
            is_fallback,
            run_id,
            materialization_id,
            model_version,
            scored_at
        from ranked
    )
select *
from planned
