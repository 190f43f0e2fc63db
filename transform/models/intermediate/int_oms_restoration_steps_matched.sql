with
    steps as (select * from {{ ref("int_oms_restoration_steps_deduplicated") }}),
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    -- A number may be re-used: the stated start decides. A start that was revised, or is not
    -- stated, leads to the nearest outage of that number that had begun when power came back.
    candidates as (
        select
            steps.network_id,
            steps.outage_id,
            steps.started_at as stated_start_at,
            steps.step_number,
            steps.restored_at,
            steps.customers_restored_count,
            outages.started_at as matched_start_at,
            steps._load_id,
            steps._is_fallback or coalesce(outages.is_fallback, false) as is_fallback
        from steps
        left join
            outages
            on steps.network_id = outages.network_id
            and steps.outage_id = outages.outage_id
            and steps.restored_at >= outages.started_at
            and coalesce(
                abs(date_diff('second', steps.started_at, outages.started_at))
                <= {{ var("step_start_tolerance_hours") }} * 3600,
                true
            )
        qualify
            row_number() over (
                partition by steps.network_id, steps.outage_id, steps.started_at, steps.step_number
                order by
                    abs(date_diff('second', steps.started_at, outages.started_at)) nulls last,
                    outages.started_at desc nulls last
            )
            = 1
    ),
    -- One step of one outage, delivered with and without its start, is one step.
    matched as (
        select
            network_id,
            outage_id,
            coalesce(matched_start_at, stated_start_at) as started_at,
            step_number,
            restored_at,
            customers_restored_count,
            matched_start_at is null as is_outage_orphan,
            stated_start_at is null as is_start_missing,
            _load_id,
            is_fallback
        from candidates
        qualify
            row_number() over (
                partition by
                    network_id, outage_id, coalesce(matched_start_at, stated_start_at), step_number
                order by stated_start_at is null, stated_start_at desc
            )
            = 1
    )
select *
from matched
