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
            {{ score_provenance() }}
        from scores
        where {{ is_live_score() }}
        qualify {{ is_last_materialization() }}
    ),
    -- Crews are stationed at substations; where a source knows none, the area that stands in for a
    -- feeder is the base.
    by_base as (
        select
            live.network_id,
            coalesce(feeders.substation_id, live.feeder_id) as substation_id,
            live.outage_date,
            {{ exact_sum("live.expected_outage_count") }} as expected_outage_count,
            {{ exact_sum(crews_for("live.expected_outage_count")) }} as crews_needed,
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
            by_base.expected_customers_out,
            by_base.crews_needed,
            networks.crew_count as network_crew_count,
            coalesce(
                networks.crew_count * by_base.crews_needed / nullif(networks.crews_needed, 0), 0
            ) as crew_share,
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
            expected_customers_out,
            is_fallback,
            {{ score_provenance() }}
        from shared
    )
select *
from planned
