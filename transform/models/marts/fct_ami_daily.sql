with
    intervals as (select * from {{ ref("int_ami_intervals_deduplicated") }}),
    customers as (select * from {{ ref("int_cis_customers_placed") }}),
    networks as (select * from {{ ref("ref_networks") }}),
    -- A meter nobody placed keeps its energy.
    placed as (
        select
            intervals.network_id,
            coalesce(customers.feeder_id, '(unknown)') as feeder_id,
            cast(
                timezone(coalesce(networks.time_zone, 'UTC'), intervals.interval_start_at) as date
            ) as local_date,
            intervals.meter_id,
            intervals.duration_seconds,
            case when not intervals.is_missing then intervals.energy_kwh end as energy_kwh,
            intervals.is_missing or intervals.energy_kwh is null as is_missing,
            intervals.is_estimated,
            intervals.is_edited,
            intervals._is_fallback
        from intervals
        left join
            customers
            on intervals.network_id = customers.network_id
            and intervals.meter_id = customers.customer_id
        left join networks on intervals.network_id = networks.network_id
    ),
    facts as (
        select
            network_id,
            feeder_id,
            local_date,
            {{ exact_sum("energy_kwh") }} as energy_kwh,
            cast(count(distinct meter_id) as integer) as meter_count,
            cast(count(*) as integer) as interval_count,
            cast(count(*) filter (where is_missing) as integer) as missing_count,
            cast(count(*) filter (where is_estimated) as integer) as estimated_count,
            cast(count(*) filter (where is_edited) as integer) as edited_count,
            coalesce(sum(duration_seconds) filter (where not is_missing), 0)
            / sum(duration_seconds) as measured_share,
            bool_or(_is_fallback) as is_fallback
        from placed
        group by network_id, feeder_id, local_date
    )
select *
from facts
