with
    forecasts as (select * from {{ ref("int_weather_forecasts_by_area") }}),
    -- Point in time: the latest issue known when the UTC day began.
    day_ahead as (
        select
            network_id,
            area_id,
            valid_at,
            issued_at,
            temperature_degc,
            wind_speed_mps,
            wind_gust_mps,
            precipitation_mm,
            wind_speed_100m_mps,
            global_radiation_w_m2,
            is_fallback
        from forecasts
        where issued_at <= date_trunc('day', valid_at)
        qualify
            row_number() over (partition by network_id, area_id, valid_at order by issued_at desc)
            = 1
    )
select *
from day_ahead
