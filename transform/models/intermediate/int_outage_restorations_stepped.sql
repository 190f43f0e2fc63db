with
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    steps as (select * from {{ ref("int_oms_restoration_steps_matched") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    summed as (
        select
            network_id,
            outage_id,
            started_at,
            sum(customers_restored_count) as restored_count,
            max(step_number) as last_step_number,
            bool_or(is_fallback) as is_fallback
        from steps
        where not is_outage_orphan
        group by network_id, outage_id, started_at
    ),
    -- Without a stated number of customers out, the steps say it.
    counted as (
        select
            outages.network_id,
            outages.outage_id,
            outages.started_at,
            outages.feeder_id,
            outages.asset_id,
            cast(timezone(networks.time_zone, outages.started_at) as date) as local_date,
            outages.restored_at,
            coalesce(outages.customers_out_count, summed.restored_count) as customers_out_count,
            coalesce(summed.restored_count, 0) as restored_count,
            coalesce(summed.last_step_number, 0) as last_step_number,
            outages.is_planned,
            outages.is_fallback or coalesce(summed.is_fallback, false) as is_fallback
        from outages
        inner join networks on outages.network_id = networks.network_id
        left join
            summed
            on outages.network_id = summed.network_id
            and outages.outage_id = summed.outage_id
            and outages.started_at = summed.started_at
    ),
    -- Nobody is restored twice: a step that restores more than are still out restores those.
    delivered as (
        select
            counted.network_id,
            counted.outage_id,
            counted.started_at,
            steps.step_number,
            counted.feeder_id,
            counted.asset_id,
            counted.local_date,
            steps.restored_at,
            steps.customers_restored_count as stated_count,
            greatest(
                least(
                    steps.customers_restored_count,
                    counted.customers_out_count - coalesce(
                        sum(steps.customers_restored_count) over (
                            partition by counted.network_id, counted.outage_id, counted.started_at
                            order by steps.restored_at, steps.step_number
                            rows between unbounded preceding and 1 preceding
                        ),
                        0
                    )
                ),
                0
            ) as customers_restored_count,
            counted.is_planned,
            counted.is_fallback
        from counted
        inner join
            steps
            on counted.network_id = steps.network_id
            and counted.outage_id = steps.outage_id
            and counted.started_at = steps.started_at
    ),
    -- Whom no step restored, the end of the outage did. An outage without steps is one step.
    stepped as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            feeder_id,
            asset_id,
            local_date,
            restored_at,
            cast(customers_restored_count as integer) as customers_restored_count,
            is_planned,
            false as is_implied,
            customers_restored_count < stated_count as is_capped,
            is_fallback
        from delivered
        union all
        select
            network_id,
            outage_id,
            started_at,
            last_step_number + 1 as step_number,
            feeder_id,
            asset_id,
            local_date,
            restored_at,
            cast(customers_out_count - restored_count as integer) as customers_restored_count,
            is_planned,
            true as is_implied,
            false as is_capped,
            is_fallback
        from counted
        where last_step_number = 0 or restored_count < customers_out_count
    ),
    -- IEEE 1366-2012: momentary up to five minutes, sustained beyond. Who is still out counts as
    -- interrupted, without minutes.
    classified as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            feeder_id,
            asset_id,
            local_date,
            restored_at,
            customers_restored_count,
            date_diff('microsecond', started_at, restored_at) / 60000000.0 as duration_minutes,
            case
                when restored_at is null
                then 'open'
                when restored_at - started_at > interval ({{ var("momentary_minutes") }}) minute
                then 'sustained'
                else 'momentary'
            end as interruption_type,
            is_planned,
            is_implied,
            is_capped,
            is_fallback
        from stepped
    )
select *
from classified
