-- One bid document per network, system series and local market day, a point per hour.
select
    concat_ws('/', network_id, series_id, strftime(market_date, '%Y-%m-%d')) as business_key,
    to_json(
        {
            'mRID':concat_ws('/', network_id, series_id, strftime(market_date, '%Y-%m-%d')),
            'market_date':strftime(market_date, '%Y-%m-%d'),
            'domain_mRID':network_id,
            'registeredResource_mRID':series_id,
            'businessType':'A04',
            'flowDirection':'A02',
            'Period': {
                'resolution':'PT1H',
                'Points':list(
                    {
                        'timeInterval_start':strftime(
                            timezone('UTC', valid_at), '%Y-%m-%dT%H:%M:%SZ'
                        ),
                        'quantity_mw':round(bid_mw, 3),
                        'expectedPrice_usd_per_mwh':round(price_usd_per_mwh, 2)
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
        select s.*, timezone(coalesce(n.time_zone, 'UTC'), s.valid_at)::date as market_date
        from reports.rpt_market_schedule as s
        left join marts.dim_networks as n on s.network_id = n.network_id
    ) as plan
where bid_mw is not null
group by network_id, series_id, market_date
order by business_key
