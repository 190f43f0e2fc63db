-- Bases and days of the last live outage risk: each feeder's expected outages count somewhere.
select
    concat_ws(
        '/',
        latest.network_id,
        coalesce(feeders.substation_id, latest.feeder_id),
        strftime(outage_date, '%Y-%m-%d')
    ) as business_key,
    printf('%.3f outages expected', sum(expected_outage_count)) as why
from
    (
        select *
        from ml.outage_risk_scores
        where score_kind = 'live'
        qualify
            materialization_id = first_value(materialization_id) over (
                partition by network_id order by scored_at desc, materialization_id desc
            )
    ) as latest
left join
    marts.dim_feeders as feeders
    on latest.network_id = feeders.network_id
    and latest.feeder_id = feeders.feeder_id
group by all
