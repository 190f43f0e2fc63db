-- Local days of each series of one type in the last live load forecast.
select
    concat_ws(
        '/',
        latest.network_id,
        latest.series_id,
        strftime(timezone(coalesce(networks.time_zone, 'UTC'), latest.valid_at)::date, '%Y-%m-%d')
    ) as business_key,
    printf('%d hours forecast', count(*)) as why
from
    (
        select *
        from ml.load_forecast
        where score_kind = 'live' and series_type = $series_type
        qualify
            materialization_id = first_value(materialization_id) over (
                partition by network_id order by scored_at desc, materialization_id desc
            )
    ) as latest
left join marts.dim_networks as networks on latest.network_id = networks.network_id
group by
    latest.network_id,
    latest.series_id,
    timezone(coalesce(networks.time_zone, 'UTC'), latest.valid_at)::date
