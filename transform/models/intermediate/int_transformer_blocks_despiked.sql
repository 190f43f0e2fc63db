{{ config(materialized="view") }}

{% set gases = ["hydrogen", "methane", "ethane", "ethylene", "acetylene"] %}
{% set measures = ["load_mva", "top_oil_degc", "vibration_mm_s"] %}

with
    blocks as (select * from {{ ref("int_scada_transformer_readings_blocked") }}),
    installations as (select * from {{ ref("int_transformer_installations") }}),
    weather as (select * from {{ ref("int_weather_areas_hourly") }}),
    current_units as (
        select network_id, asset_id, area_id, rated_mva, rated_top_oil_rise_k
        from installations
        where is_current
    ),
    ambient as (
        select
            network_id,
            area_id,
            time_bucket(interval 6 hour, observed_hour_at) as block_start_at,
            {{ exact_mean("temperature_degc") }} as temperature_degc
        from weather
        group by network_id, area_id, block_start_at
    ),
    -- A spike is left out of its block, a stuck sensor leaves the block without a value.
    despiked as (
        select
            blocks.network_id,
            blocks.asset_id,
            blocks.reading_date,
            blocks.block_start_at,
            current_units.rated_mva,
            coalesce(
                current_units.rated_top_oil_rise_k, {{ var("rated_top_oil_rise_k") }}
            ) as rated_top_oil_rise_k,
            ambient.temperature_degc as ambient_temperature_degc,
            {{ load_in_mva(block_mean("load_mva")) }} as load_mva,
            {{ load_in_mva(block_peak("load_mva")) }} as peak_load_mva,
            {{ block_mean("top_oil_degc") }} as measured_top_oil_degc,
            {{ block_mean("vibration_mm_s") }} as vibration_mm_s,
            {% for gas in gases %} {{ block_mean(gas ~ "_ppm") }} as {{ gas }}_ppm, {% endfor %}
            blocks.reading_count,
            blocks.good_reading_count,
            {% for measure in measures %}
                cast({{ is_high_spike(measure) }} or {{ is_low_spike(measure) }} as integer) +
            {% endfor %}
            0 as spike_count,
            {% for measure in measures %}
                {{ is_stuck(measure) }} {{ "or" if not loop.last }}
            {% endfor %} as is_block_stuck,
            {{ is_kva_block() }} as is_kva_block,
            blocks.last_reading_at,
            blocks.available_at,
            blocks.is_fallback
        from blocks
        left join
            current_units
            on blocks.network_id = current_units.network_id
            and blocks.asset_id = current_units.asset_id
        left join
            ambient
            on blocks.network_id = ambient.network_id
            and coalesce(current_units.area_id, '{{ var("network_area_id") }}') = ambient.area_id
            and blocks.block_start_at = ambient.block_start_at
    )
select *
from despiked
