{{
    config(
        materialized="incremental",
        incremental_strategy="days",
        on_schema_change="fail",
        pre_hook="{{ choose_days() }}",
    )
}}

{% set gases = ["hydrogen", "methane", "ethane", "ethylene", "acetylene"] %}

with
    readings as (select * from {{ ref("int_transformer_readings_daily") }}),
    facts as (
        select
            network_id,
            asset_id,
            reading_date,
            available_at,
            mean_load_mva,
            peak_load_mva,
            mean_load_share,
            peak_load_share,
            mean_ambient_temperature_degc,
            mean_top_oil_temperature_degc,
            mean_expected_top_oil_temperature_degc,
            mean_top_oil_residual_k,
            peak_hot_spot_degc,
            mean_ageing_factor,
            {{ loss_of_life_pct("mean_ageing_factor", 24) }} as loss_of_life_pct,
            mean_vibration_mm_s,
            {% for gas in gases %} mean_{{ gas }}_ppm, {% endfor %}
            reading_count,
            good_reading_count,
            spike_count,
            stuck_reading_count,
            unit_slip_count,
            is_fallback
        from readings
        where {{ in_days("reading_date") }}
    )
select *
from facts
