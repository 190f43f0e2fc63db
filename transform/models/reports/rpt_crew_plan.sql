with
    scores as (select * from {{ source("ml", "outage_risk_scores") }}),
    feeders as (select * from {{ ref("dim_feeders") }}),
    restoration_scores as (select * from {{ source("ml", "restoration_time_scores") }}),
    outages as (select * from {{ ref("fct_outage") }}),
    drift as (select * from {{ source("ml", "outage_risk_drift") }}),
    drifted as ({{ drifted_features_of("drift") }}),
    {{ expected_restoration_steps() }},
    live as (
        select
            network_id,
            feeder_id,
            outage_date,
            expected_outage_count,
            expected_customers_out,
            missing_feature_share,
            is_fallback,
            {{ score_provenance() }}
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    -- A crew is busy from the report of an outage to its restoration.
    repairs as (
        select
            live.network_id,
            live.feeder_id,
            live.outage_date,
            live.expected_outage_count,
            live.expected_outage_count
            * {{ expected_restoration_hours() }} as expected_repair_hours,
            live.expected_customers_out,
            live.missing_feature_share,
            live.is_fallback,
            {{ score_provenance("live") }}
        from live
        left join
            feeder_restorations
            on live.network_id = feeder_restorations.network_id
            and live.feeder_id = feeder_restorations.feeder_id
        left join network_restorations on live.network_id = network_restorations.network_id
    ),
    -- Crews are stationed at substations; where a source knows none, the area that stands in for a
    -- feeder is the base.
    by_base as (
        select
            repairs.network_id,
            coalesce(feeders.substation_id, repairs.feeder_id) as substation_id,
            repairs.outage_date,
            {{ exact_sum("repairs.expected_outage_count") }} as expected_outage_count,
            {{ exact_sum("repairs.expected_repair_hours") }} as expected_repair_hours,
            {{ exact_sum(crews_for("repairs.expected_repair_hours")) }} as crews_needed,
            {{ exact_sum("repairs.expected_customers_out") }} as expected_customers_out,
            cast(count(*) as integer) as feeder_count,
            -- One doubtful feeder makes the plan of its base doubtful.
            {{
                low_confidence_reason(
                    "max(repairs.missing_feature_share)",
                    "max(drifted.drifted_features)",
                    "Unlike earlier years",
                )
            }} as low_confidence_reason,
            bool_or(repairs.is_fallback) as is_fallback,
            min(repairs.run_id) as run_id,
            min(repairs.materialization_id) as materialization_id,
            min(repairs.model_version) as model_version,
            min(repairs.scored_at) as scored_at
        from repairs
        left join
            feeders
            on repairs.network_id = feeders.network_id
            and repairs.feeder_id = feeders.feeder_id
        left join drifted on repairs.network_id = drifted.network_id
        group by
            repairs.network_id,
            coalesce(feeders.substation_id, repairs.feeder_id),
            repairs.outage_date
    ),
    networks as (
        select
            network_id,
            outage_date,
            {{ exact_sum("crews_needed") }} as crews_needed,
            least(
                {{ var("crew_budget_count") }}, ceil({{ exact_sum("crews_needed") }})
            ) as crew_count
        from by_base
        group by network_id, outage_date
    ),
    -- The budget, or less when less is needed, shared in proportion to need.
    shared as (
        select
            by_base.network_id,
            by_base.substation_id,
            by_base.outage_date,
            by_base.feeder_count,
            by_base.expected_outage_count,
            by_base.expected_repair_hours,
            by_base.expected_customers_out,
            by_base.crews_needed,
            networks.crew_count as network_crew_count,
            coalesce(
                networks.crew_count * by_base.crews_needed / nullif(networks.crews_needed, 0), 0
            ) as crew_share,
            by_base.low_confidence_reason,
            by_base.is_fallback,
            {{ score_provenance("by_base") }}
        from by_base
        inner join
            networks
            on by_base.network_id = networks.network_id
            and by_base.outage_date = networks.outage_date
    ),
    -- Largest remainder: whole crews first, what is left goes to the largest fractions.
    planned as (
        select
            network_id,
            substation_id,
            outage_date,
            cast(
                floor(crew_share) + case
                    when
                        row_number() over (
                            partition by network_id, outage_date
                            order by
                                crew_share - floor(crew_share) desc,
                                expected_customers_out desc,
                                substation_id asc
                        )
                        <= network_crew_count
                        - sum(floor(crew_share)) over (partition by network_id, outage_date)
                    then 1
                    else 0
                end as integer
            ) as crew_count,
            crews_needed,
            feeder_count,
            expected_outage_count,
            expected_repair_hours,
            expected_customers_out,
            low_confidence_reason is not null as is_low_confidence,
            low_confidence_reason,
            is_fallback,
            {{ score_provenance() }}
        from shared
    )
select *
from planned
