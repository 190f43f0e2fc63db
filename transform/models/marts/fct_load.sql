with
    readings as (select * from {{ ref("int_load_readings_imputed") }}),
    facts as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            available_at,
            raw_load_mw,
            load_mw,
            operator_forecast_mw,
            flag_code,
            published_flag_code,
            is_imputed,
            is_fallback,
            _load_id
        from readings
    )
select *
from facts
