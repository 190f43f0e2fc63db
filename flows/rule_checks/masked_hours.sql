-- A copy of the screened load in which runs of good readings are hidden, as if they had never come. A run begins where
-- the hash of series and day says so, so the same hours are hidden each time; three per cent in all. A run lies inside one
-- day; two whole days in a row may be drawn and are then one longer gap, which makes their hours harder to fill.
create or replace table memory.main.hidden as
with
    screened as (
        select network_id, series_id, interval_start_at, interval_minutes, load_mw, flag_code
        from warehouse.intermediate.int_load_readings_screened
    ),
    days as (
        select distinct
            network_id,
            series_id,
            date_trunc('day', interval_start_at) as day_at,
            hash(network_id, series_id, cast(epoch(date_trunc('day', interval_start_at)) as bigint)) as draw
        from screened
    ),
    -- One day in 50 is hidden whole, one in 25 for four hours, one in 10 for an hour; all drawn apart.
    runs as (
        select
            network_id,
            series_id,
            day_at + to_hours(case when draw % 100 < 2 then 0 else cast((draw // 100) % 20 as integer) end) as first_at,
            case when draw % 100 < 2 then 24 when draw % 100 < 6 then 4 when draw % 100 < 16 then 1 end as run_hours
        from days
        where draw % 100 < 16
    )
select
    screened.network_id,
    screened.series_id,
    screened.interval_start_at,
    runs.run_hours,
    screened.load_mw as true_load_mw
from screened
inner join runs
    on screened.network_id = runs.network_id
    and screened.series_id = runs.series_id
    and screened.interval_start_at >= runs.first_at
    and screened.interval_start_at < runs.first_at + to_hours(runs.run_hours)
where screened.flag_code is null and screened.load_mw > 0;

create or replace table memory.main.int_load_readings_screened as
select screened.* replace (
    case when hidden.series_id is null then screened.load_mw end as load_mw,
    case when hidden.series_id is null then screened.flag_code else 'MISSING' end as flag_code
)
from warehouse.intermediate.int_load_readings_screened as screened
left join memory.main.hidden as hidden
    on screened.network_id = hidden.network_id
    and screened.series_id = hidden.series_id
    and screened.interval_start_at = hidden.interval_start_at
