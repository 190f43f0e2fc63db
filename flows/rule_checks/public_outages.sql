-- Numbers with more than one start, and events first seen before they started, counted on the raw table.
with
    delivered as (
        select outage_id, started_at, bool_or(first_reported_at < started_at) as is_early
        from warehouse.raw.oms_outages
        where network_id = 'PGE' and outage_id is not null and started_at is not null
        group by all
    ),
    numbers as (
        select outage_id, count(*) > 1 as is_reused
        from delivered
        group by outage_id
    ),
    flagged_numbers as (
        select outage_id, bool_or(is_outage_id_reused) as is_flagged
        from warehouse.intermediate.int_oms_outages_classified
        where network_id = 'PGE'
        group by outage_id
    ),
    flagged_events as (
        select outage_id, started_at, is_reported_before_start as is_flagged
        from warehouse.intermediate.int_oms_outages_classified
        where network_id = 'PGE'
    )
select
    (select count(*) from numbers) as number_count,
    (select count(*) from numbers where is_reused) as reused_known_count,
    (select count(*) from flagged_numbers where is_flagged) as reused_flagged_count,
    (
        select count(*)
        from numbers
        inner join flagged_numbers using (outage_id)
        where is_reused and is_flagged
    ) as reused_found_count,
    (select count(*) from delivered where is_early) as skew_known_count,
    (select count(*) from flagged_events where is_flagged) as skew_flagged_count,
    (
        select count(*)
        from delivered
        inner join flagged_events using (outage_id, started_at)
        where is_early and is_flagged
    ) as skew_found_count
