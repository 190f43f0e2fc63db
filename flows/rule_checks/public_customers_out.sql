-- A run is a stretch of flagged readings, with the measured one that it repeats.
with
    readings as (
        select
            feeder_id,
            observed_at,
            is_forward_filled,
            sum(cast(not is_forward_filled as integer)) over (partition by feeder_id order by observed_at) as run_number
        from warehouse.intermediate.int_oms_customers_out_readings_screened
        where network_id = 'COOK'
    ),
    runs as (
        select
            date_diff('minute', min(observed_at), max(observed_at)) / 60 as hours,
            count(*) as reading_count,
            count(*) filter (where is_forward_filled) as flagged_count
        from readings
        group by feeder_id, run_number
    )
select
    coalesce(cast(sum(reading_count) as bigint), 0) as reading_count,
    coalesce(cast(sum(flagged_count) as bigint), 0) as flagged_count,
    count(*) filter (where flagged_count > 0) as run_count,
    coalesce(max(hours) filter (where flagged_count > 0), 0) as longest_hours
from runs
