-- One regulation schedule per network, feeder and local day, a time point per hour.
select
    concat_ws('/', network_id, feeder_id, strftime(schedule_date, '%Y-%m-%d')) as business_key,
    to_json(
        {
            'mRID':concat_ws('/', network_id, feeder_id, strftime(schedule_date, '%Y-%m-%d')),
            'schedule_date':strftime(schedule_date, '%Y-%m-%d'),
            'RegulatingControl': {'mode':'voltage', 'Feeder_mRID':feeder_id, 'base_v':120},
            'RegulationSchedule': {
                'resolution':'PT1H',
                'TimePoints':list(
                    {
                        'dateTime_start':strftime(timezone('UTC', valid_at), '%Y-%m-%dT%H:%M:%SZ'),
                        'targetValue_v':round(set_point_v, 3),
                        'expectedEndOfFeeder_v':round(end_of_feeder_voltage_v, 3),
                        'isWithinLimits':is_within_limits
                    }
                    order by valid_at
                )
            },
            'isLowConfidence':bool_or(coalesce(is_fallback, true))
        }
    )::varchar as payload,
    bool_or(coalesce(is_fallback, true)) as is_low_confidence,
    max(issued_at) as as_of,
    max(valid_at) + interval 1 hour as valid_until,
    max(materialization_id) as score_materialization_id,
    max(model_version) as model_version,
    max(scored_at) as scored_at
from
    (
        select s.*, timezone(coalesce(n.time_zone, 'UTC'), s.valid_at)::date as schedule_date
        from reports.rpt_voltage_plan as s
        left join marts.dim_networks as n on s.network_id = n.network_id
    ) as plan
where set_point_v is not null
group by network_id, feeder_id, schedule_date
order by business_key
