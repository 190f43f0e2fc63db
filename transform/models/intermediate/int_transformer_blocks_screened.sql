{{ config(materialized="view") }}

{% set gases = ["hydrogen", "methane", "ethane", "ethylene", "acetylene"] %}

with
    despiked as (select * from {{ ref("int_transformer_blocks_despiked") }}),
    -- IEEE C57.91 clause 7 in steady state: a block is two oil time constants long, so lags are
    -- left out.
    expected as (
        select
            network_id,
            asset_id,
            reading_date,
            block_start_at,
            load_mva,
            peak_load_mva,
            load_mva / rated_mva as load_share,
            peak_load_mva / rated_mva as peak_load_share,
            ambient_temperature_degc,
            measured_top_oil_degc,
            ambient_temperature_degc
            + {{ top_oil_rise_k("load_mva / rated_mva", "rated_top_oil_rise_k") }}
            as expected_top_oil_temperature_degc,
            ambient_temperature_degc
            + {{ top_oil_rise_k("load_mva / rated_mva", "rated_top_oil_rise_k") }}
            + {{ hot_spot_rise_k("peak_load_mva / rated_mva") }} as hot_spot_temperature_degc,
            vibration_mm_s,
            {% for gas in gases %} {{ gas }}_ppm, {% endfor %}
            reading_count,
            case when is_block_stuck then 0 else good_reading_count end as good_reading_count,
            case when is_block_stuck then reading_count else 0 end as stuck_reading_count,
            spike_count,
            is_kva_block,
            last_reading_at,
            available_at,
            is_fallback
        from despiked
    ),
    -- A residual that vanishes when the block is read as degF is a unit slip of the sensor.
    screened as (
        select
            network_id,
            asset_id,
            reading_date,
            block_start_at,
            load_mva,
            peak_load_mva,
            load_share,
            peak_load_share,
            ambient_temperature_degc,
            case
                when {{ is_degf_block() }}
                then (measured_top_oil_degc - 32) / 1.8
                else measured_top_oil_degc
            end as top_oil_temperature_degc,
            expected_top_oil_temperature_degc,
            hot_spot_temperature_degc,
            {{ ageing_factor("hot_spot_temperature_degc") }} as ageing_factor,
            vibration_mm_s,
            {% for gas in gases %} {{ gas }}_ppm, {% endfor %}
            reading_count,
            good_reading_count,
            stuck_reading_count,
            spike_count,
            case
                when {{ is_degf_block() }} or is_kva_block then reading_count else 0
            end as unit_slip_count,
            last_reading_at,
            available_at,
            is_fallback
        from expected
    )
select *
from screened
