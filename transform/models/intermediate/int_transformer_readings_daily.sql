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
    screened as (select * from {{ ref("int_transformer_blocks_screened") }}),
    daily as (
        select
            network_id,
            asset_id,
            reading_date,
            {{ exact_mean("load_share") }} as mean_load_share,
            max(peak_load_share) as peak_load_share,
            {{ exact_mean("load_mva") }} as mean_load_mva,
            max(peak_load_mva) as peak_load_mva,
            {{ exact_mean("ambient_temperature_degc") }} as mean_ambient_temperature_degc,
            {{ exact_mean("top_oil_temperature_degc") }} as mean_top_oil_temperature_degc,
            {{ exact_mean("expected_top_oil_temperature_degc") }}
            as mean_expected_top_oil_temperature_degc,
            {{ exact_mean("top_oil_temperature_degc - expected_top_oil_temperature_degc") }}
            as mean_top_oil_residual_k,
            max(hot_spot_temperature_degc) as peak_hot_spot_degc,
            {{ exact_mean("ageing_factor") }} as mean_ageing_factor,
            {{ exact_mean("vibration_mm_s") }} as mean_vibration_mm_s,
            {% for gas in gases %}
                {{ exact_mean(gas ~ "_ppm") }} as mean_{{ gas }}_ppm,
            {% endfor %}
            cast(sum(reading_count) as integer) as reading_count,
            cast(sum(good_reading_count) as integer) as good_reading_count,
            cast(sum(spike_count) as integer) as spike_count,
            cast(sum(stuck_reading_count) as integer) as stuck_reading_count,
            cast(sum(unit_slip_count) as integer) as unit_slip_count,
            max(last_reading_at) as last_reading_at,
            max(available_at) as available_at,
            bool_or(is_fallback) as is_fallback
        from screened
        where {{ in_days("reading_date") }}
        group by network_id, asset_id, reading_date
    )
select *
from daily
