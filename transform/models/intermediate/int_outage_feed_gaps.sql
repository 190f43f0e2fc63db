with
    stamp_days as (select * from {{ ref("int_outage_stamp_days") }}),
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
    )
select *
from gaps
