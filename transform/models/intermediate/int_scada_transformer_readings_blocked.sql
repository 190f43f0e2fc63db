{{ config(materialized="view") }}

{% set measures = {
    "load_mva": ["load_mva", 0, var("load_maximum_kva")],
    "top_oil_degc": [
        "top_oil_temperature_degc",
        var("top_oil_minimum_degc"),
        var("top_oil_maximum_degf"),
    ],
    "vibration_mm_s": ["vibration_mm_s", 0, var("vibration_maximum_mm_s")],
    "hydrogen_ppm": ["hydrogen_ppm", 0, var("gas_maximum_ppm")],
    "methane_ppm": ["methane_ppm", 0, var("gas_maximum_ppm")],
    "ethane_ppm": ["ethane_ppm", 0, var("gas_maximum_ppm")],
    "ethylene_ppm": ["ethylene_ppm", 0, var("gas_maximum_ppm")],
    "acetylene_ppm": ["acetylene_ppm", 0, var("gas_maximum_ppm")],
} %}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    -- Impossible values are left out; values in the wrong unit stay until the block can be judged.
    valued as (
        select
            network_id,
            asset_id,
            reading_at,
            reading_date,
            {% for measure, (column, least, greatest) in measures.items() %}
                case
                    when quality = 'GOOD' and {{ column }} between {{ least }} and {{ greatest }}
                    then {{ column }}
                end as {{ measure }},
            {% endfor %}
            quality = 'GOOD' as is_good,
            greatest(received_at, reading_at) as available_at,
            _is_fallback
        from readings
    ),
    -- One pass, constant memory per block: no window over the readings, no sort.
    blocked as (
        select
            network_id,
            asset_id,
            reading_date,
            time_bucket(interval 6 hour, reading_at) as block_start_at,
            {% for measure in measures %} {{ block_aggregates(measure) }} {% endfor %}
            cast(count(*) as integer) as reading_count,
            cast(count(*) filter (where is_good) as integer) as good_reading_count,
            max(reading_at) as last_reading_at,
            max(available_at) as available_at,
            bool_or(_is_fallback) as is_fallback
        from valued
        group by network_id, asset_id, reading_date, block_start_at
    )
select *
from blocked
