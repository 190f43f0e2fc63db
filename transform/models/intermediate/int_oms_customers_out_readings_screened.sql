{{ config(materialized="view") }}

with
    readings as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    compared as (
        select
            network_id,
            feeder_id,
            observed_at,
            interval_minutes,
            customers_out_count,
            coalesce(
                customers_out_count = lag(customers_out_count) over feeder_order, false
            ) as is_repeated,
            _is_fallback
        from readings
        window feeder_order as (partition by network_id, feeder_id order by observed_at)
    ),
    numbered as (
        select
            network_id,
            feeder_id,
            observed_at,
            interval_minutes,
            customers_out_count,
            is_repeated,
            sum(cast(not is_repeated as integer)) over (
                partition by network_id, feeder_id
                order by observed_at
                rows between unbounded preceding and current row
            ) as run_number,
            _is_fallback
        from compared
    ),
    lasting as (
        select
            network_id,
            feeder_id,
            observed_at,
            customers_out_count,
            is_repeated,
            sum(interval_minutes) over (
                partition by network_id, feeder_id, run_number
            ) as run_minutes,
            _is_fallback
        from numbered
    ),
    -- Crews restore and new faults come: many customers out do not stay the same number for hours.
    -- A few
    -- may wait overnight. Nobody out is the usual state. The first reading of a run was measured.
    screened as (
        select
            network_id,
            feeder_id,
            observed_at,
            customers_out_count,
            is_repeated
            and customers_out_count > 0
            and run_minutes
            > 60
            * case
                when customers_out_count >= {{ var("forward_filled_customers") }}
                then {{ var("forward_filled_hours") }}
                else {{ var("forward_filled_few_hours") }}
            end as is_forward_filled,
            _is_fallback
        from lasting
    )
select *
from screened
