with
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    transformer_days as (select * from {{ ref("int_transformer_readings_daily") }}),
    installations as (select * from {{ ref("int_transformer_installations") }}),
    weather as (select * from {{ ref("int_weather_areas_hourly") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    units as (
        select network_id, count(distinct asset_id) as unit_count
        from transformer_days
        group by network_id
    ),
    -- Two years show every season; of a large fleet as many days as keep the table bounded.
    spans as (
        select
            units.network_id,
            cast(horizons.transformer_horizon_at as date) - cast(
                least(
                    {{ var("top_oil_history_days") }},
                    greatest(
                        {{ var("top_oil_history_minimum_days") }},
                        floor({{ var("top_oil_history_rows") }} / (24 * units.unit_count))
                    )
                ) as integer
            ) as first_date
        from units
        inner join horizons on units.network_id = horizons.network_id
    ),
    current_units as (
        select network_id, asset_id, area_id, rated_mva from installations where is_current
    ),
    judged_days as (
        select
            transformer_days.network_id,
            transformer_days.asset_id,
            transformer_days.reading_date,
            transformer_days.mean_top_oil_temperature_degc,
            transformer_days.mean_expected_top_oil_temperature_degc,
            current_units.rated_mva,
            coalesce(current_units.area_id, '{{ var("network_area_id") }}') as area_id
        from transformer_days
        inner join
            spans
            on transformer_days.network_id = spans.network_id
            and transformer_days.reading_date >= spans.first_date
        left join
            current_units
            on transformer_days.network_id = current_units.network_id
            and transformer_days.asset_id = current_units.asset_id
    ),
    -- Units are judged hour by hour, spikes by the mean of the day. Reverse flow heats like load.
    valued as (
        select
            readings.network_id,
            readings.asset_id,
            date_trunc('hour', readings.reading_at) as valid_at,
            judged_days.area_id,
            judged_days.rated_mva,
            case
                when readings.quality <> 'GOOD'
                then null
                when
                    judged_days.rated_mva is null
                    or abs(readings.load_mva)
                    <= {{ var("load_share_maximum") }} * judged_days.rated_mva
                then abs(readings.load_mva)
                when
                    abs(readings.load_mva) / 1000
                    <= {{ var("load_share_maximum") }} * judged_days.rated_mva
                then abs(readings.load_mva) / 1000
            end as load_mva,
            case
                when
                    readings.quality <> 'GOOD'
                    or readings.top_oil_temperature_degc
                    not between {{ var("top_oil_minimum_degc") }}
                    and {{ var("top_oil_maximum_degf") }}
                then null
                when
                    {{
                        is_degf(
                            "readings.top_oil_temperature_degc",
                            "judged_days.mean_expected_top_oil_temperature_degc",
                        )
                    }}
                then (readings.top_oil_temperature_degc - 32) / 1.8
                else readings.top_oil_temperature_degc
            end as top_oil_temperature_degc,
            judged_days.mean_top_oil_temperature_degc,
            greatest(readings.received_at, readings.reading_at) as available_at,
            readings._is_fallback as is_fallback
        from readings
        inner join
            judged_days
            on readings.network_id = judged_days.network_id
            and readings.asset_id = judged_days.asset_id
            and readings.reading_date = judged_days.reading_date
    ),
    hourly as (
        select
            network_id,
            asset_id,
            valid_at,
            area_id,
            rated_mva,
            {{ exact_mean("load_mva") }} as load_mva,
            {{
                exact_mean(
                    "top_oil_temperature_degc",
                    "abs(top_oil_temperature_degc - mean_top_oil_temperature_degc) <= "
                    ~ var("top_oil_hourly_spike_k"),
                )
            }} as top_oil_temperature_degc,
            max(available_at) as available_at,
            bool_or(is_fallback) as is_fallback
        from valued
        group by network_id, asset_id, valid_at, area_id, rated_mva
    ),
    -- The weather of an hour counts as known with the readings of it, or later when it came later.
    features as (
        select
            hourly.network_id,
            hourly.asset_id,
            hourly.valid_at,
            greatest(hourly.available_at, weather.available_at) as available_at,
            hourly.available_at as readings_available_at,
            hourly.load_mva,
            hourly.rated_mva,
            weather.temperature_degc as ambient_temperature_degc,
            hourly.top_oil_temperature_degc,
            hourly.is_fallback or coalesce(weather.is_fallback, false) as is_fallback
        from hourly
        left join
            weather
            on hourly.network_id = weather.network_id
            and hourly.area_id = weather.area_id
            and hourly.valid_at = weather.observed_hour_at
    )
select *
from features
