with recursive
    steps as (select * from {{ ref("int_outage_restorations_stepped") }}),
    -- An outage nobody can place is a device of its own.
    placed as (
        select
            network_id,
            outage_id,
            coalesce(feeder_id, '(outage ' || outage_id || ')') as feeder_id,
            coalesce(asset_id, '(feeder)') as asset_id,
            started_at,
            local_date,
            customers_restored_count,
            interruption_type,
            is_planned,
            is_fallback
        from steps
    ),
    -- Two interruptions that begin together are of different customers.
    interruptions as (
        select
            network_id,
            feeder_id,
            asset_id,
            is_planned,
            started_at,
            min(local_date) as local_date,
            sum(customers_restored_count) as customers_count,
            bool_or(is_fallback) as is_fallback
        from placed
        where interruption_type = 'momentary'
        group by network_id, feeder_id, asset_id, is_planned, started_at
    ),
    lockouts as (
        select distinct network_id, feeder_id, asset_id, is_planned, started_at
        from placed
        where interruption_type <> 'momentary'
    ),
    -- The interruption that would open the next event: the first one more than five minutes later.
    linked as (
        select
            network_id,
            feeder_id,
            asset_id,
            is_planned,
            started_at,
            local_date,
            customers_count,
            is_fallback,
            coalesce(
                started_at - lag(started_at) over (
                    partition by network_id, feeder_id, asset_id, is_planned order by started_at
                )
                > interval ({{ var("momentary_minutes") }}) minute,
                true
            ) as is_surely_first,
            min(started_at) over (
                partition by network_id, feeder_id, asset_id, is_planned
                order by
                    started_at
                    range
                    between interval ({{ var("momentary_minutes") }} * 60000000 + 1) microsecond
                    following and unbounded following
            ) as next_event_at
        from interruptions
    ),
    -- Within five minutes of the *first*, not of the one before: the chain of firsts is followed
    -- until a gap cuts it.
    event_starts as (
        select
            network_id, feeder_id, asset_id, is_planned, started_at, next_event_at, is_surely_first
        from linked
        where is_surely_first
        union all
        select
            linked.network_id,
            linked.feeder_id,
            linked.asset_id,
            linked.is_planned,
            linked.started_at,
            linked.next_event_at,
            linked.is_surely_first
        from event_starts
        inner join
            linked
            on event_starts.network_id = linked.network_id
            and event_starts.feeder_id = linked.feeder_id
            and event_starts.asset_id = linked.asset_id
            and event_starts.is_planned = linked.is_planned
            and event_starts.next_event_at = linked.started_at
            and not linked.is_surely_first
    ),
    -- Repeated operations of one device hit the same customers: the largest count is the event's.
    grouped as (
        select
            event_starts.network_id,
            event_starts.feeder_id,
            event_starts.asset_id,
            event_starts.is_planned,
            event_starts.started_at,
            min(linked.local_date) as local_date,
            cast(max(linked.customers_count) as integer) as customers_count,
            cast(count(*) as integer) as interruption_count,
            bool_or(linked.is_fallback) as is_fallback
        from event_starts
        inner join
            linked
            on event_starts.network_id = linked.network_id
            and event_starts.feeder_id = linked.feeder_id
            and event_starts.asset_id = linked.asset_id
            and event_starts.is_planned = linked.is_planned
            and linked.started_at
            between event_starts.started_at and event_starts.started_at
            + interval ({{ var("momentary_minutes") }}) minute
        group by
            event_starts.network_id,
            event_starts.feeder_id,
            event_starts.asset_id,
            event_starts.is_planned,
            event_starts.started_at
    ),
    -- Operations that end in a lockout belong to the sustained interruption (IEEE 1366-2012,
    -- MAIFI-E).
    events as (
        select
            grouped.network_id,
            grouped.feeder_id,
            grouped.asset_id,
            grouped.is_planned,
            grouped.started_at,
            grouped.local_date,
            grouped.customers_count,
            grouped.interruption_count,
            count(lockouts.started_at) > 0 as is_before_lockout,
            grouped.is_fallback
        from grouped
        left join
            lockouts
            on grouped.network_id = lockouts.network_id
            and grouped.feeder_id = lockouts.feeder_id
            and grouped.asset_id = lockouts.asset_id
            and grouped.is_planned = lockouts.is_planned
            and grouped.started_at < lockouts.started_at
            and grouped.started_at + interval ({{ var("momentary_minutes") }}) minute
            >= lockouts.started_at
        group by
            grouped.network_id,
            grouped.feeder_id,
            grouped.asset_id,
            grouped.is_planned,
            grouped.started_at,
            grouped.local_date,
            grouped.customers_count,
            grouped.interruption_count,
            grouped.is_fallback
    )
select *
from events
