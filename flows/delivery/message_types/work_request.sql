-- One work request per network and transformer on the list. Probabilities move with every score:
-- what makes a revision is
-- named in message_types/__init__.py.
select
    concat_ws('/', network_id, asset_id) as business_key,
    to_json(
        {
            'mRID':concat_ws('/', network_id, asset_id),
            'workType_code':recommended_work_type,
            'description':recommended_action,
            'priority':priority,
            'requiredBy_date':strftime(due_date, '%Y-%m-%d'),
            'reason':reason_text,
            'Asset': {'mRID':asset_id, 'Substation_mRID':substation_id, 'Feeder_mRID':feeder_id},
            'failureProbability_share':round(failure_probability, 6),
            'expectedCustomersOut_count':round(expected_customers_out, 3),
            'risk_usd':round(risk_usd, 2),
            'isLowConfidence':is_low_confidence,
            'lowConfidenceReason':low_confidence_reason
        }
    )::varchar as payload,
    coalesce(is_low_confidence, true) as is_low_confidence,
    null::timestamptz as as_of,
    null::timestamptz as valid_until,
    materialization_id as score_materialization_id,
    model_version,
    scored_at
from reports.rpt_work_orders
order by business_key
