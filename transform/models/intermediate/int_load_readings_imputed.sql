with
    screened as (select * from {{ ref("int_load_readings_screened") }}),
    filled as (select * from {{ ref("int_load_gaps_filled") }}),
    valued as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw as raw_load_mw,
            case when flag_code is null then load_mw end as good_load_mw,
            flag_code,
            operator_forecast_mw,
            published_flag_code,
            greatest(interval_start_at + to_minutes(interval_minutes), received_at) as known_at,
            _load_id,
            is_fallback
        from screened
    ),
    imputed as (
        select
            valued.network_id,
            valued.series_id,
            valued.series_type,
            valued.interval_start_at,
            valued.interval_minutes,
            valued.raw_load_mw,
            coalesce(valued.good_load_mw, filled.imputed_load_mw) as load_mw,
            valued.operator_forecast_mw,
            valued.published_flag_code,
            valued.flag_code,
            filled.imputed_load_mw is not null as is_imputed,
            greatest(valued.known_at, filled.imputed_known_at) as available_at,
            valued._load_id,
            valued.is_fallback
        from valued
        left join
            filled
            on valued.network_id = filled.network_id
            and valued.series_id = filled.series_id
            and valued.interval_start_at = filled.interval_start_at
    )
select *
from imputed
