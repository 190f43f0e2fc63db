{{ config(materialized="view") }}

{% set measures = [
    "load_mva",
    "top_oil_degc",
    "vibration_mm_s",
    "hydrogen_ppm",
    "methane_ppm",
    "ethane_ppm",
    "ethylene_ppm",
    "acetylene_ppm",
] %}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_compared") }}),
    blocks as (select * from {{ ref("int_transformer_blocks_screened") }}),
    installations as (select * from {{ ref("int_transformer_installations") }}),
    current_units as (select network_id, asset_id, rated_mva from installations where is_current),
    explained as (
        select
            readings.network_id,
            readings.asset_id,
            readings.reading_at,
            readings.received_at,
            readings.quality,
            coalesce(
                readings.load_mva > {{ var("load_share_maximum") }} * current_units.rated_mva
                and readings.load_mva / 1000
                <= {{ var("load_share_maximum") }} * current_units.rated_mva,
                false
            ) as is_kva_reading,
            {{ is_degf("readings.top_oil_degc", "blocks.expected_top_oil_temperature_degc") }}
            as is_degf_reading,
            {% for measure in measures %} readings.{{ measure }}_is_stuck or {% endfor %}
            false as is_stuck,
            {% for measure in measures %} {{ is_lone_rise("readings", measure) }} or {% endfor %}
            false as is_lone_rise,
            {% for measure in measures %} {{ is_lone_drop("readings", measure) }} or {% endfor %}
            false as is_lone_drop,
            readings.is_off_hour
            and readings.full_hour_share > {{ var("telemetry_full_hour_share") }} as is_clock_off
        from readings
        left join
            blocks
            on readings.network_id = blocks.network_id
            and readings.asset_id = blocks.asset_id
            and time_bucket(interval 6 hour, readings.reading_at) = blocks.block_start_at
        left join
            current_units
            on readings.network_id = current_units.network_id
            and readings.asset_id = current_units.asset_id
    ),
    -- The first reason that holds names the reading.
    screened as (
        select
            network_id,
            asset_id,
            reading_at,
            received_at,
            is_clock_off,
            case
                when quality <> 'GOOD'
                then 'BAD_QUALITY'
                when is_stuck
                then 'STUCK'
                when is_lone_rise
                then 'SPIKE'
                when is_lone_drop
                then 'DROPOUT'
                when is_degf_reading
                then 'UNIT_SLIP_DEGF'
                when is_kva_reading
                then 'UNIT_SLIP_KVA'
            end as flag_code
        from explained
    )
select *
from screened
