with
    forecasts as (select * from {{ source("ml", "load_forecast") }}),
    hours as (select * from {{ ref("feat_load_forecast__hourly") }}),
    live as (
        select
            network_id,
            series_id,
            series_type,
            issued_at,
            valid_at,
            p05_load_mw,
            p50_load_mw,
            p95_load_mw,
            power((p95_load_mw - p05_load_mw) / {{ var("interval_90_spreads") }}, 2) as variance,
            forecast_source,
            is_fallback,
            {{ score_provenance() }}
        from forecasts
        where {{ is_live_score() }} and series_type in ('feeder', 'system')
        qualify {{ is_last_materialization() }}
    ),
    -- What feeders together are of the system, losses aside, in hours in which all were read.
    summed as (
        select
            network_id,
            valid_at,
            {{ exact_sum("load_mw", filter="series_type = 'feeder'") }} as feeders_mw,
            {{ exact_sum("load_mw", filter="series_type = 'system'") }} as system_mw,
            count(*) filter (where series_type = 'feeder') as read_feeder_count,
            count(*) filter (where series_type = 'system') as system_count,
            bool_and(load_mw is not null) as is_known
        from hours
        where series_type in ('feeder', 'system')
        group by network_id, valid_at
        qualify
            valid_at
            > max(valid_at) over (partition by network_id)
            - interval ({{ var("reconciliation_days") }}) day
    ),
    shares as (
        select
            network_id,
            max(read_feeder_count) as feeder_count,
            median(feeders_mw / system_mw) as feeder_share,
            quantile_cont(feeders_mw / system_mw, 0.95)
            - quantile_cont(feeders_mw / system_mw, 0.05) as feeder_share_range
        from summed
        where is_known and read_feeder_count > 0 and system_count = 1 and system_mw > 0
        group by network_id
    ),
    -- Weighted least squares: who is known worse gives way more (Hyndman, Lee and Wang 2016).
    gaps as (
        select
            live.network_id,
            live.valid_at,
            shares.feeder_share,
            shares.feeder_share
            * {{ exact_sum("live.p50_load_mw", filter="live.series_type = 'system'") }}
            - {{ exact_sum("live.p50_load_mw", filter="live.series_type = 'feeder'") }} as gap_mw,
            sum(
                case
                    when live.series_type = 'system'
                    then power(shares.feeder_share, 2) * live.variance
                    else live.variance
                end
                order by live.series_id
            ) as variance
        from live
        inner join shares on live.network_id = shares.network_id
        where shares.feeder_share_range <= {{ var("reconciliation_share_range") }}
        group by live.network_id, live.valid_at, shares.feeder_share, shares.feeder_count
        having
            count(*) filter (where live.series_type = 'feeder') = shares.feeder_count
            and count(*) filter (where live.series_type = 'system') = 1
            and sum(live.variance) > 0
    ),
    adjusted as (
        select
            live.network_id,
            live.series_id,
            live.series_type,
            live.valid_at,
            live.issued_at,
            live.p05_load_mw,
            live.p50_load_mw,
            live.p95_load_mw,
            case
                when gaps.network_id is null
                then 0
                when live.series_type = 'system'
                then - gaps.feeder_share * live.variance * gaps.gap_mw / gaps.variance
                else live.variance * gaps.gap_mw / gaps.variance
            end as adjustment_mw,
            gaps.feeder_share,
            live.forecast_source,
            gaps.network_id is not null as is_reconciled,
            live.is_fallback,
            {{ score_provenance("live") }}
        from live
        left join gaps on live.network_id = gaps.network_id and live.valid_at = gaps.valid_at
    ),
    planned as (
        select
            network_id,
            series_id,
            series_type,
            valid_at,
            issued_at,
            p50_load_mw as forecast_load_mw,
            adjustment_mw,
            p05_load_mw + adjustment_mw as p05_load_mw,
            p50_load_mw + adjustment_mw as p50_load_mw,
            p95_load_mw + adjustment_mw as p95_load_mw,
            feeder_share,
            forecast_source,
            is_reconciled,
            is_fallback,
            {{ score_provenance() }}
        from adjusted
    )
select *
from planned
