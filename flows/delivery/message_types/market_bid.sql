-- One bid document per network, system series and local market day, a point per hour.
select
    concat_ws('/', plan.network_id, plan.series_id, strftime(market_date, '%Y-%m-%d')) as business_key,
    to_json(
        {
            'mRID': concat_ws('/', plan.network_id, plan.series_id, strftime(market_date, '%Y-%m-%d')),
            'market_date': strftime(market_date, '%Y-%m-%d'),
            'domain_mRID': plan.network_id,
            'registeredResource_mRID': plan.series_id,
            'businessType': 'A04',
            'flowDirection': 'A02',
            'Period': {
                'resolution': 'PT1H',
                'Points': list(
                    {
                        'timeInterval_start': strftime(timezone('UTC', valid_at), '%Y-%m-%dT%H:%M:%SZ'),
                        'quantity_mw': round(bid_mw, 3),
                        'expectedPrice_usd_per_mwh': round(price_usd_per_mwh, 2)
                    }
                    order by valid_at
                )
            },
            'isLowConfidence': bool_or(coalesce(is_fallback, true))
        }
    )::varchar as payload,
    bool_or(coalesce(is_fallback, true)) as is_low_confidence,
    max(issued_at) as as_of,
    max(valid_at) + interval 1 hour as valid_until,
    max(materialization_id) as score_materialization_id,
    max(model_version) as model_version,
    max(scored_at) as scored_at
from (
    select s.*, timezone(coalesce(n.time_zone, 'UTC'), s.valid_at)::date as market_date
    from reports.rpt_market_schedule s
    left join marts.dim_networks n on n.network_id = s.network_id
) plan
where bid_mw is not null
group by plan.network_id, plan.series_id, market_date
order by business_key
