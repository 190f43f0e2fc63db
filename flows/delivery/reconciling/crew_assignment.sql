-- Bases and days of the last live outage risk: each feeder's expected outages count somewhere.
select
    concat_ws(
        '/', latest.network_id, coalesce(feeders.substation_id, latest.feeder_id), strftime(outage_date, '%Y-%m-%d')
    ) as business_key,
    printf('%.3f outages expected', sum(expected_outage_count)) as why
from (
    select *
    from ml.outage_risk_scores
    where score_kind = 'live'
    qualify materialization_id = first_value(materialization_id) over (
        partition by network_id order by scored_at desc, materialization_id desc
    )
) latest
left join marts.dim_feeders feeders
    on feeders.network_id = latest.network_id and feeders.feeder_id = latest.feeder_id
group by all
