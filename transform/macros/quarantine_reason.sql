{# Why a staged row cannot be used, or null. The rule of each raw table is written here once: the quarantine model keeps
   the rows with a reason, the de-duplicated model the rows without. Order matters: the first reason wins.

   A row is rejected only when the row itself is useless; a bad value in a useful row is flagged further on. #}
{% macro quarantine_reason(raw_table) -%}
    {%- set dated = [
        "scada_load_readings",
        "scada_transformer_readings",
        "scada_events",
        "soc_incidents",
        "weather_observations",
        "eam_work_orders",
        "oms_outages",
        "oms_customers_out_readings",
        "lab_oil_tests",
        "oms_restoration_steps",
        "oms_restoration_estimates",
        "scada_alarms",
        "weather_forecasts",
        "scada_measurements",
        "ami_intervals",
        "vegetation_inspections",
    ] -%}
    {%- set stamps = {
        "scada_load_readings": "interval_start_at",
        "scada_transformer_readings": "reading_at",
        "scada_events": "event_at",
        "soc_incidents": "started_at",
        "weather_observations": "observed_at",
        "weather_forecasts": "valid_at",
        "eam_work_orders": "opened_at",
        "oms_outages": "started_at",
        "oms_customers_out_readings": "observed_at",
        "market_prices": "interval_start_at",
        "lab_oil_tests": "sampled_at",
        "scada_measurements": "measured_at",
        "ami_intervals": "interval_start_at",
        "vegetation_inspections": "inspected_on",
        "oms_restoration_steps": "restored_at",
        "oms_restoration_estimates": "issued_at",
        "scada_alarms": "event_at",
    } -%}
    {%- set useless = {
        "scada_load_readings": {
            "impossible_interval": "coalesce(interval_minutes not between 1 and 1440, true)",
            "impossible_load": "not isfinite(load_mw) or abs(load_mw) > "
            ~ var("load_maximum_mw"),
        },
        "scada_transformer_readings": {
            "orphan_asset": "is_asset_orphan",
            "empty_reading": "coalesce(load_mva, top_oil_temperature_degc, vibration_mm_s, hydrogen_ppm, methane_ppm, ethane_ppm, ethylene_ppm, acetylene_ppm) is null",
        },
        "scada_events": {"impossible_length": "length_bytes <= 0"},
        "soc_incidents": {"ends_before_start": "ended_at < started_at"},
        "weather_observations": {
            "empty_observation": "coalesce(temperature_degc, relative_humidity_pct, wind_speed_mps, wind_gust_mps, precipitation_mm) is null",
        },
        "weather_forecasts": {
            "valid_before_issue": "valid_at < issued_at - interval 1 hour"
        },
        "cis_customers": {
            "unplaced_customer": "feeder_id is null and asset_id is null"
        },
        "cis_feeder_customers": {
            "impossible_count": "coalesce(customers_count < 0, true)"
        },
        "eam_work_orders": {"orphan_asset": "is_asset_orphan"},
        "oms_customers_out_readings": {
            "impossible_count": "coalesce(customers_out_count < 0, true)"
        },
        "market_prices": {
            "empty_price": "coalesce(day_ahead_price_usd_per_mwh, real_time_price_usd_per_mwh) is null",
        },
        "lab_oil_tests": {
            "empty_test": "coalesce(hydrogen_ppm, methane_ppm, ethylene_ppm, ethane_ppm, acetylene_ppm, water_ppm, dielectric_strength_kv) is null",
        },
        "oms_restoration_steps": {
            "restored_before_start": "restored_at < started_at",
            "impossible_step": "step_number < 1",
            "impossible_count": "coalesce(customers_restored_count < 0, true)",
        },
        "oms_restoration_estimates": {
            "empty_estimate": "estimated_restoration_at is null"
        },
        "scada_alarms": {
            "undefined_state": "is_state_undefined",
            "empty_row": "coalesce(state_code, acknowledged_by, command_type) is null",
        },
        "gis_segments": {
            "impossible_length": "length_m <= 0",
        },
        "vegetation_inspections": {
            "empty_inspection": "coalesce(ndvi, canopy_pct) is null and last_trimmed_on is null",
        },
        "ami_intervals": {
            "impossible_interval": "coalesce(duration_seconds not between 1 and 86400, true)",
            "unknown_unit": "reading_value is not null and energy_kwh is null",
            "impossible_energy": "not isfinite(energy_kwh) or abs(energy_kwh) > "
            ~ var("interval_energy_maximum_kwh"),
        },
    } -%}
    case
        when _parse_error is not null
        then 'parse_error: ' || _parse_error
        {%- for column in required_key(raw_table).split(", ") %}
            when {{ column }} is null then 'null_key: {{ column }}'
        {%- endfor %}
        {%- if raw_table in dated %}
            {#- A forecast speaks of the future; it is its issue that may not lie there. #}
            when is_in_future
            then
                'future_stamp: {{ "issued_at" if raw_table == "weather_forecasts" else stamps[raw_table] }}'
        {%- endif %}
        {%- if raw_table in stamps %}
            when {{ stamps[raw_table] }} < timestamptz '{{ var("earliest_stamp") }} 00:00:00+00'
            then 'impossible_stamp: {{ stamps[raw_table] }}'
        {%- endif %}
        {%- for reason, condition in useless.get(raw_table, {}).items() %}
            when {{ condition }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}
