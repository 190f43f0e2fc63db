with
    stamp_days as (select * from {{ ref("int_outage_stamp_days") }}),
    gaps as (select * from {{ ref("int_outage_feed_gaps") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    bounds as (
        select
            stamp_days.network_id,
            horizons.time_zone,
            min(stamp_days.local_date) as first_date,
            cast(
                timezone(
                    min(horizons.time_zone),
                    min(horizons.outage_horizon_at) - interval 1 microsecond
                ) as date
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
    -- The last day seen counts as a label only when it was seen to its end; the days after it are
    -- live.
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
