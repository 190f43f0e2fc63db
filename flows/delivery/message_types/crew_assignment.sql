-- One crew assignment per network, base and local day.
select
    concat_ws('/', network_id, substation_id, strftime(outage_date, '%Y-%m-%d')) as business_key,
    to_json(
        {
            'mRID':concat_ws('/', network_id, substation_id, strftime(outage_date, '%Y-%m-%d')),
            'Base': {'mRID':substation_id, 'feeder_count':feeder_count},
            'assignment_date':strftime(outage_date, '%Y-%m-%d'),
            'crew_count':crew_count,
            'crewsNeeded_count':round(crews_needed, 3),
            'expectedOutage_count':round(expected_outage_count, 3),
            'expectedRepair_h':round(expected_repair_hours, 3),
            'expectedCustomersOut_count':round(expected_customers_out, 3),
            'isLowConfidence':is_low_confidence,
            'lowConfidenceReason':low_confidence_reason
        }
    )::varchar as payload,
    coalesce(is_low_confidence, true) as is_low_confidence,
    timezone('UTC', min(outage_date) over (partition by network_id)::timestamp) as as_of,
    timezone('UTC', (outage_date + 1)::timestamp) as valid_until,
    materialization_id as score_materialization_id,
    model_version,
    scored_at
from reports.rpt_crew_plan
order by business_key
