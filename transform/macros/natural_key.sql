{# The columns that identify a row of a raw table, comma separated. Written once: de-duplication, the null-key rule of
   quarantine_reason and fct_row_conservation all read it. #}
{% macro natural_key(raw_table) -%}
    {%- set keys = {
        "scada_load_readings": "network_id, series_id, interval_start_at",
        "scada_transformer_readings": "network_id, asset_id, reading_at",
        "scada_events": "network_id, capture_id, event_at, source_address, destination_address, source_port, destination_port, protocol, message_type, service, object_id, length_bytes",
        "soc_incidents": "network_id, incident_id",
        "weather_observations": "network_id, station_id, observed_at",
        "weather_forecasts": "network_id, station_id, issued_at, valid_at",
        "calendar_days": "network_id, local_date",
        "gis_substations": "network_id, substation_id",
        "gis_feeders": "network_id, feeder_id",
        "gis_switches": "network_id, switch_id",
        "cis_customers": "network_id, customer_id",
        "cis_feeder_customers": "network_id, feeder_id",
        "eam_transformers": "network_id, asset_id, installed_on",
        "eam_work_orders": "network_id, work_order_id",
        "oms_outages": "network_id, outage_id, started_at",
        "oms_customers_out_readings": "network_id, feeder_id, observed_at",
        "market_prices": "network_id, zone_id, interval_start_at",
        "lab_oil_tests": "network_id, sample_id",
        "scada_measurements": "network_id, tag_id, measured_at",
        "ami_intervals": "network_id, meter_id, interval_start_at",
        "vegetation_inspections": "network_id, segment_id, inspected_on",
        "gis_segments": "network_id, segment_id",
        "oms_restoration_steps": "network_id, outage_id, started_at, step_number",
        "oms_restoration_estimates": "network_id, outage_id, issued_at",
        "scada_alarms": "network_id, point_id, event_at, sequence_number, state_code, acknowledged_by, command_type",
    } -%}
    {{- keys[raw_table] -}}
{%- endmacro %}

{# Key columns that must be there; the rest of the key may be null (an event without a service, a unit without a date). #}
{% macro required_key(raw_table) -%}
    {%- set partly_optional = {
        "scada_events": "network_id, capture_id, event_at",
        "eam_transformers": "network_id, asset_id",
        "oms_restoration_steps": "network_id, outage_id, step_number, restored_at",
        "scada_alarms": "network_id, point_id, event_at",
    } -%}
    {{- partly_optional.get(raw_table, natural_key(raw_table)) -}}
{%- endmacro %}

{# Order in which rows of one key compete: the latest known first, every tie broken by load and row. A line of a log
   that is sent again says nothing new: its first arrival tells when it became known. #}
{% macro latest_first(raw_table) -%}
    {%- set known_at = {
        "scada_load_readings": "received_at desc nulls last, ",
        "scada_transformer_readings": "received_at desc nulls last, ",
        "weather_observations": "received_at desc nulls last, ",
        "eam_transformers": "updated_at desc nulls last, ",
        "eam_work_orders": "completed_at desc nulls last, ",
        "oms_outages": "restored_at desc nulls last, ",
        "scada_alarms": "received_at asc nulls last, ",
    } -%}
    {{- known_at.get(raw_table, "") -}}
    _ingested_at desc,
    _load_id desc,
    _source_file desc,
    _source_row desc
{%- endmacro %}

{# Join condition: the same landed row. A wide delivered row feeds several raw rows, so the key belongs to it. #}
{% macro same_row(left_alias, right_alias, raw_table) -%}
    {{
        same_columns(
            left_alias,
            right_alias,
            "_load_id, _source_file, _source_row, " ~ natural_key(raw_table),
        )
    }}
{%- endmacro %}

{# Join condition: the listed columns agree, null with null. #}
{% macro same_columns(left_alias, right_alias, columns) -%}
    {%- for column in columns.split(", ") %}
        {{ left_alias }}.{{ column | trim }}
        is not distinct from {{ right_alias }}.{{ column | trim }}
        {{- " and" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
