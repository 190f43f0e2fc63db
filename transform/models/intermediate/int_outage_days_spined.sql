with
    events as (select * from {{ ref("int_outage_events_localised") }}),
    customers_out as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    -- When the network's outage feed was alive: from its first stamp on.
    stamps as (
        select network_id, started_at as stamp_at
        from events
        union all
        select network_id, observed_at as stamp_at
        from customers_out
    ),
    stamp_days as (
        select distinct
            stamps.network_id,
            cast(timezone(horizons.time_zone, stamps.stamp_at) as date) as local_date
        from stamps
        inner join horizons on stamps.network_id = horizons.network_id
    ),
    stepped as (
        select
            network_id,
            local_date,
            lead(local_date) over (partition by network_id order by local_date) as next_local_date,
            (
                max(local_date) over (partition by network_id)
                - min(local_date) over (partition by network_id)
            )
            / count(*) over (partition by network_id) as mean_spacing_days
        from stamp_days
    ),
    -- A gap far longer than usual is a feed that was down: its days are unknown, not free of
    -- outages.
    gaps as (
        select network_id, local_date as gap_after_date, next_local_date as gap_before_date
        from stepped
        where
            next_local_date - local_date
            > greatest({{ var("outage_feed_gap_days") }}, 20 * mean_spacing_days)
    ),
    bounds as (
        select
            stamp_days.network_id,
            horizons.time_zone,
            min(stamp_days.local_date) as first_date,
            cast(
                timezone(min(horizons.time_zone), min(horizons.outage_horizon_at)) as date
            ) as horizon_date,
            min(horizons.outage_horizon_at) as outage_horizon_at
        from stamp_days
        inner join horizons on stamp_days.network_id = horizons.network_id
        group by stamp_days.network_id, horizons.time_zone
    ),
    days as (
        select
            network_id,
            time_zone,
            outage_horizon_at,
            horizon_date,
            cast(
                unnest(
                    range(
                        cast(first_date as timestamp),
                        cast(horizon_date as timestamp)
                        + to_days({{ var("live_outage_days") }} + 1),
                        interval 1 day
                    )
                ) as date
            ) as outage_date
        from bounds
    ),
    -- The day of the horizon itself is half seen: neither a label nor a forecast.
    spined as (
        select
            days.network_id,
            days.outage_date,
            timezone(days.time_zone, cast(days.outage_date as timestamp)) as valid_at,
            timezone(
                days.time_zone, cast(days.outage_date as timestamp) + interval 1 day
            ) as next_valid_at,
            cast(greatest(days.outage_date - days.horizon_date, 0) as integer) as live_day_number,
            days.outage_date > days.horizon_date as is_live,
            days.outage_horizon_at
        from days
        left join
            gaps
            on days.network_id = gaps.network_id
            and days.outage_date > gaps.gap_after_date
            and days.outage_date < gaps.gap_before_date
        where
            gaps.network_id is null
            and (
                days.outage_date > days.horizon_date
                or timezone(days.time_zone, cast(days.outage_date as timestamp) + interval 1 day)
                <= days.outage_horizon_at
            )
    )
select *
from spined
