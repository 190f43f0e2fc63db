with
    estimates as (select * from {{ ref("int_oms_restoration_estimates_deduplicated") }}),
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    -- A number may be re-used: the stated start decides. Without one it is the last outage of that
    -- number that had begun when the estimate was issued, give or take a revised start.
    matched as (
        select
            estimates.network_id,
            estimates.outage_id,
            coalesce(outages.started_at, estimates.started_at) as started_at,
            outages.feeder_id,
            estimates.issued_at,
            estimates.estimated_restoration_at,
            outages.restored_at,
            estimates.estimate_source,
            estimates.crew_status,
            coalesce(
                estimates.estimated_restoration_at < estimates.issued_at, false
            ) as is_before_issue,
            estimates.estimated_restoration_at
            > estimates.issued_at
            + to_days({{ var("restoration_estimate_maximum_days") }}) as is_impossible,
            outages.started_at is null as is_outage_orphan,
            estimates.started_at is null as is_start_missing,
            estimates._is_fallback or coalesce(outages.is_fallback, false) as is_fallback,
            estimates._load_id
        from estimates
        left join
            outages
            on estimates.network_id = outages.network_id
            and estimates.outage_id = outages.outage_id
            and coalesce(
                abs(date_diff('second', estimates.started_at, outages.started_at))
                <= {{ var("step_start_tolerance_hours") }} * 3600,
                outages.started_at
                <= estimates.issued_at + interval ({{ var("step_start_tolerance_hours") }}) hour
            )
        qualify
            row_number() over (
                partition by estimates.network_id, estimates.outage_id, estimates.issued_at
                order by
                    abs(date_diff('second', estimates.started_at, outages.started_at)) nulls last,
                    coalesce(outages.started_at <= estimates.issued_at, false) desc,
                    outages.started_at desc nulls last
            )
            = 1
    ),
    -- Numbered by what was said before: a later estimate changes nothing of an earlier row.
    facts as (
        select
            network_id,
            outage_id,
            started_at,
            cast(row_number() over revisions as integer) as revision_number,
            feeder_id,
            issued_at,
            estimated_restoration_at,
            restored_at,
            case
                when restored_at is not null then greatest(issued_at, restored_at)
            end as available_at,
            estimate_source,
            crew_status,
            date_diff('second', issued_at, restored_at) / 3600.0 as lead_time_hours,
            date_diff(
                'second', lag(estimated_restoration_at) over revisions, estimated_restoration_at
            )
            / 3600.0 as revised_by_hours,
            case
                when not is_before_issue and not is_impossible
                then date_diff('second', restored_at, estimated_restoration_at) / 3600.0
            end as error_hours,
            is_before_issue,
            is_impossible,
            is_outage_orphan,
            is_start_missing,
            is_fallback,
            _load_id
        from matched
        window revisions as (partition by network_id, outage_id, started_at order by issued_at)
    )
select *
from facts
