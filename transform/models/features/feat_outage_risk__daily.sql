with
    feeder_days as (select * from {{ ref("int_outage_feeder_days_issued") }}),
    feeders as (select * from {{ ref("dim_feeders") }}),
    counts as (select * from {{ ref("int_outage_trailing_counts") }}),
    peaks as (select * from {{ ref("int_feeder_peak_load_week_before") }}),
    outcomes as (select * from {{ ref("fct_feeder_daily_outage") }}),
    daily as (
        select
            feeder_days.network_id,
            feeder_days.feeder_id,
            feeder_days.outage_date,
            feeder_days.valid_at,
            feeder_days.available_at,
            feeder_days.peak_gust_forecast_mps,
            feeder_days.mean_wind_forecast_mps,
            feeder_days.precipitation_forecast_mm,
            feeder_days.min_temperature_forecast_degc,
            feeder_days.max_temperature_forecast_degc,
            feeder_days.storm_index_forecast,
            feeder_days.cooling_degree_hours_forecast,
            feeders.vegetation_index,
            feeders.overhead_share,
            feeders.length_km,
            feeders.customers_count,
            feeders.critical_customers_count,
            counts.outage_count_7d,
            counts.outage_count_28d,
            counts.outage_count_365d,
            cast(dayofyear(feeder_days.outage_date) as integer) as day_of_year,
            cast(isodow(feeder_days.outage_date) as integer) as local_day_of_week,
            peaks.peak_load_mw_week_before,
            feeders.rated_mw,
            outcomes.outage_count,
            outcomes.customers_out_count,
            feeder_days.is_live,
            feeder_days.is_fallback
            or feeders.is_fallback
            or coalesce(peaks.is_fallback, false)
            or coalesce(outcomes.is_fallback, false) as is_fallback
        from feeder_days
        inner join
            feeders
            on feeder_days.network_id = feeders.network_id
            and feeder_days.feeder_id = feeders.feeder_id
        inner join
            counts
            on feeder_days.network_id = counts.network_id
            and feeder_days.feeder_id = counts.feeder_id
            and feeder_days.outage_date = counts.outage_date
        left join
            peaks
            on feeder_days.network_id = peaks.network_id
            and feeder_days.feeder_id = peaks.feeder_id
            and feeder_days.outage_date = peaks.outage_date
        left join
            outcomes
            on feeder_days.network_id = outcomes.network_id
            and feeder_days.feeder_id = outcomes.feeder_id
            and feeder_days.outage_date = outcomes.outage_date
    )
select *
from daily
