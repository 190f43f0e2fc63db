-- A delivered row is in quarantine once at most. A wide row feeds several raw rows, so the key
-- belongs to it.
{% set raw_tables = [
    "ami_intervals",
    "calendar_days",
    "cis_customers",
    "cis_feeder_customers",
    "eam_transformers",
    "eam_work_orders",
    "gis_feeders",
    "gis_segments",
    "gis_substations",
    "gis_switches",
    "lab_oil_tests",
    "market_prices",
    "oms_customers_out_readings",
    "oms_outages",
    "oms_restoration_estimates",
    "oms_restoration_steps",
    "scada_alarms",
    "scada_events",
    "scada_load_readings",
    "scada_measurements",
    "scada_transformer_readings",
    "soc_incidents",
    "vegetation_inspections",
    "weather_forecasts",
    "weather_observations",
] %}

{% for raw_table in raw_tables %}
    select '{{ raw_table }}' as raw_table, count(*) as row_count
    from {{ ref("quarantine_" ~ raw_table) }}
    {% if raw_table == "scada_transformer_readings" -%}
        where {{ in_days_made(ref("quarantine_" ~ raw_table), "reading_date") }}
    {%- endif %}
    group by _load_id, _source_file, _source_row, {{ natural_key(raw_table) }}
    having count(*) > 1 {{ 'union all' if not loop.last }}
{% endfor %}
