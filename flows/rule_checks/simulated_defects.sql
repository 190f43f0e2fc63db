-- Injected defects against findings. A defect is found when the finding its class calls for, or one that sets the whole
-- row aside, stands at its place; a finding is right when any defect was injected at its place.
with
    expected as (
        select raw_table, defect_class, outcome, note, unnest(string_split(findings, '|')) as finding
        from read_csv($expectations, header = true, all_varchar = true)
    ),
    injected as (
        -- Where the log knows the name before it was overwritten, the time alone tells rows apart.
        select distinct
            raw_table,
            defect_class,
            case
                when
                    raw_table = 'oms_outages' and time is not null
                    or raw_table = 'oms_restoration_steps' and defect_class <> 'clock_skew'
                    or raw_table = 'oms_restoration_estimates'
                    or raw_table = 'vegetation_inspections' and defect_class = 'orphan'
                then ''
                else entity
            end as entity,
            -- A stamp that is itself the defect was never delivered as the log has it.
            case
                when
                    defect_class not in ('dst_fabricated_hour', 'clock_reset')
                    and not (raw_table = 'oms_restoration_steps' and defect_class = 'clock_skew')
                then timezone('UTC', time)
            end as defect_at
        from read_parquet($defects)
    ),
    findings as (select distinct raw_table, finding, entity, found_at from memory.main.findings),
    judged as (
        select
            injected.raw_table,
            injected.defect_class,
            injected.entity,
            injected.defect_at,
            coalesce(bool_or(
                expected.finding is not null
                or findings.finding in ('BAD_QUALITY', 'MISSING')
                or findings.finding like 'QUARANTINED%'
            ), false) as is_found
        from injected
        left join findings
            on injected.raw_table = findings.raw_table
            and injected.entity = findings.entity
            and injected.defect_at is not distinct from findings.found_at
        left join expected
            on injected.raw_table = expected.raw_table
            and injected.defect_class = expected.defect_class
            and findings.finding = expected.finding
        group by all
    ),
    recalled as (
        select raw_table, defect_class, count(*) as known_count, count(*) filter (where is_found) as found_count
        from judged
        group by all
    ),
    -- A defect that makes the reading before it look odd is no reason to call that finding right: same place only.
    places as (select distinct raw_table, entity, defect_at from injected),
    confirmed as (
        select
            findings.raw_table,
            findings.finding,
            findings.entity,
            findings.found_at,
            places.raw_table is not null as is_right
        from findings
        left join places
            on findings.raw_table = places.raw_table
            and findings.entity = places.entity
            and findings.found_at is not distinct from places.defect_at
    ),
    precise as (
        select
            expected.raw_table,
            expected.defect_class,
            any_value(expected.note) as note,
            any_value(expected.outcome) = 'flagged' as is_flag,
            count(distinct (confirmed.entity, confirmed.found_at)) filter (where confirmed.finding is not null)
            as flagged_count,
            count(distinct (confirmed.entity, confirmed.found_at)) filter (where confirmed.is_right) as right_count
        from expected
        left join confirmed on expected.raw_table = confirmed.raw_table and expected.finding = confirmed.finding
        group by all
    )
select
    raw_table,
    defect_class,
    coalesce(known_count, 0) as known_count,
    coalesce(found_count, 0) as found_count,
    case when is_flag then flagged_count end as flagged_count,
    case when is_flag then right_count end as right_count,
    coalesce(note, '') as note
from precise
full join recalled using (raw_table, defect_class)
order by raw_table, defect_class
