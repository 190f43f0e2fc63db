with
    days as (select * from {{ ref("int_outage_days_spined") }}),
    forecasts as (select * from {{ ref("int_weather_forecasts_by_area") }}),
    -- Point in time: of each hour of the local day, the latest forecast issued before the day
    -- began.
    known as (
        select
            days.network_id,
            days.outage_date,
            days.valid_at as day_start_at,
            forecasts.area_id,
            forecasts.valid_at,
            forecasts.issued_at,
            forecasts.temperature_degc,
            forecasts.wind_speed_mps,
            forecasts.wind_gust_mps,
            forecasts.precipitation_mm,
            forecasts.is_fallback
        from days
        inner join
            forecasts
            on days.network_id = forecasts.network_id
            and days.valid_at >= forecasts.issued_at
            and days.valid_at <= forecasts.valid_at
            and days.next_valid_at > forecasts.valid_at
        qualify
            row_number() over (
                partition by forecasts.network_id, forecasts.area_id, forecasts.valid_at
                order by forecasts.issued_at desc
            )
            = 1
    ),
    daily as (
        select
            network_id,
            area_id,
            outage_date,
            max(issued_at) as issued_at,
            max(wind_gust_mps) as peak_gust_forecast_mps,
            {{ exact_mean("wind_speed_mps") }} as mean_wind_forecast_mps,
            {{ exact_sum("precipitation_mm") }} as precipitation_forecast_mm,
            min(temperature_degc) as min_temperature_forecast_degc,
            max(temperature_degc) as max_temperature_forecast_degc,
            {{ exact_sum(storm_index("wind_gust_mps")) }} as storm_index_forecast,
            {{ exact_sum("greatest(temperature_degc - " ~ var("cooling_base_degc") ~ ", 0)") }}
            as cooling_degree_hours_forecast,
            bool_or(is_fallback) as is_fallback
        from known
        group by network_id, area_id, outage_date
    )
select *
from daily
