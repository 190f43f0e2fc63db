{{ config(materialized="view") }}

{% set gases = ["hydrogen", "methane", "ethane", "ethylene", "acetylene"] %}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    -- Oil hotter than any emergency limit was sent in degF.
    converted as (
        select
            network_id,
            asset_id,
            reading_at,
            load_mva,
            case
                when top_oil_temperature_degc > {{ var("top_oil_maximum_degc") }}
                then (top_oil_temperature_degc - 32) / 1.8
                else top_oil_temperature_degc
            end as top_oil_temperature_degc,
            coalesce(
                top_oil_temperature_degc > {{ var("top_oil_maximum_degc") }}, false
            ) as is_degf,
            vibration_mm_s,
            {% for gas in gases %} {{ gas }}_ppm, {% endfor %}
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
            time_bucket(interval 6 hour, reading_at) as block_start_at,
            {{
                block_aggregates(
                    "load_mva",
                    "load_mva",
                    "is_good and load_mva between 0 and " ~ var("load_maximum_mva"),
                )
            }}
            {{
                block_aggregates(
                    "top_oil_degc",
                    "top_oil_temperature_degc",
                    "is_good and top_oil_temperature_degc between "
                    ~ var("top_oil_minimum_degc")
                    ~ " and "
                    ~ var("top_oil_maximum_degc"),
                )
            }}
            {{
                block_aggregates(
                    "vibration_mm_s",
                    "vibration_mm_s",
                    "is_good and vibration_mm_s between 0 and " ~ var("vibration_maximum_mm_s"),
                )
            }}
            {% for gas in gases %}
                {{
                    block_aggregates(
                        gas ~ "_ppm",
                        gas ~ "_ppm",
                        "is_good and " ~ gas ~ "_ppm between 0 and " ~ var("gas_maximum_ppm"),
                    )
                }}
            {% endfor %}
            cast(count(*) as integer) as reading_count,
            cast(count(*) filter (where is_good) as integer) as good_reading_count,
            cast(count(*) filter (where is_degf) as integer) as unit_slip_count,
            max(reading_at) as last_reading_at,
            max(available_at) as available_at,
            bool_or(_is_fallback) as is_fallback
        from converted
        group by network_id, asset_id, block_start_at
    )
select *
from blocked
