-- No intermediate table has two rows of one grain. One test for the layer: a test per table costs
-- 0.1 s each.
-- Views are left out: they are read again by the tables behind them, which are tested.
{% set grains = {
    "int_ami_intervals_deduplicated": "network_id, meter_id, interval_start_at",
    "int_asset_crosswalk": "network_id, asset_id, valid_from",
    "int_calendar_days_deduplicated": "network_id, local_date",
    "int_cis_customers_deduplicated": "network_id, customer_id",
    "int_cis_feeder_customers_deduplicated": "network_id, feeder_id",
    "int_customers_out_outage_days": "network_id, feeder_id, outage_date",
    "int_eam_transformers_deduplicated": "network_id, asset_id, installed_on",
    "int_eam_transformers_versioned": "network_id, asset_id, installed_on, version_number",
    "int_eam_work_orders_deduplicated": "network_id, work_order_id",
    "int_feeder_peak_load_week_before": "network_id, feeder_id, outage_date",
    "int_feeders_resolved": "network_id, feeder_id",
    "int_gis_feeders_deduplicated": "network_id, feeder_id",
    "int_gis_segments_deduplicated": "network_id, segment_id",
    "int_gis_substations_deduplicated": "network_id, substation_id",
    "int_gis_switches_deduplicated": "network_id, switch_id",
    "int_lab_oil_tests_deduplicated": "network_id, sample_id",
    "int_load_gap_surroundings": "network_id, series_id, interval_start_at",
    "int_load_gaps_filled": "network_id, series_id, interval_start_at",
    "int_load_horizon_hours": "network_id, series_id, valid_at",
    "int_load_hourly": "network_id, series_id, valid_at",
    "int_load_readings_globally_screened": "network_id, series_id, interval_start_at",
    "int_load_readings_imputed": "network_id, series_id, interval_start_at",
    "int_load_readings_predicted": "network_id, series_id, interval_start_at",
    "int_load_readings_screened": "network_id, series_id, interval_start_at",
    "int_load_series_resolved": "network_id, series_id",
    "int_market_prices_deduplicated": "network_id, zone_id, interval_start_at",
    "int_measurement_qualities_resolved": "protocol, quality_code",
    "int_momentary_events_grouped": "network_id, feeder_id, asset_id, is_planned, started_at",
    "int_network_horizons": "network_id",
    "int_networks_resolved": "network_id",
    "int_oms_customers_out_readings_deduplicated": "network_id, feeder_id, observed_at",
    "int_oms_outages_classified": "network_id, outage_id, started_at",
    "int_oms_outages_deduplicated": "network_id, outage_id, started_at",
    "int_oms_restoration_estimates_deduplicated": "network_id, outage_id, issued_at",
    "int_oms_restoration_steps_deduplicated": "network_id, outage_id, started_at, step_number",
    "int_oms_restoration_steps_matched": "network_id, outage_id, started_at, step_number",
    "int_outage_causes_mapped": "cause_text",
    "int_outage_days_spined": "network_id, outage_date",
    "int_outage_events_localised": "network_id, feeder_id, outage_id, started_at",
    "int_outage_feed_gaps": "network_id, gap_after_date",
    "int_outage_feeder_days_issued": "network_id, feeder_id, outage_date",
    "int_outage_load_at_report": "network_id, outage_id, started_at",
    "int_outage_restorations_stepped": "network_id, outage_id, started_at, step_number",
    "int_outage_stamp_days": "network_id, local_date",
    "int_outage_trailing_counts": "network_id, feeder_id, outage_date",
    "int_outage_weather_forecast_daily": "network_id, area_id, outage_date",
    "int_quality_codes_resolved": "protocol, quality_code",
    "int_scada_alarms_deduplicated": "network_id, point_id, event_at, sequence_number, state_code, acknowledged_by, command_type",
    "int_scada_events_deduplicated": "network_id, capture_id, event_at, source_address, destination_address, source_port, destination_port, protocol, message_type, service, object_id, length_bytes",
    "int_scada_load_readings_deduplicated": "network_id, series_id, interval_start_at",
    "int_scada_measurements_deduplicated": "network_id, tag_id, measured_at",
    "int_scada_measurements_qualified": "network_id, tag_id, measured_at",
    "int_scada_transformer_readings_superseded": "_load_id, _source_file, _source_row",
    "int_soc_incidents_deduplicated": "network_id, incident_id",
    "int_sustained_interruptions_attributed": "network_id, outage_id, started_at",
    "int_transformer_as_of_instants": "network_id, asset_id, valid_at",
    "int_transformer_condition_28d": "network_id, asset_id, valid_at",
    "int_transformer_failures_merged": "network_id, asset_id, failure_number",
    "int_transformer_installations": "network_id, asset_id, installation_number",
    "int_transformer_maintenance_history": "network_id, asset_id, valid_at",
    "int_transformer_readings_daily": "network_id, asset_id, reading_date",
    "int_transformer_units_numbered": "network_id, asset_id, installation_number",
    "int_vegetation_inspections_deduplicated": "network_id, segment_id, inspected_on",
    "int_vegetation_inspections_screened": "network_id, segment_id, inspected_on",
    "int_weather_areas_hourly": "network_id, area_id, observed_hour_at",
    "int_weather_forecasts_by_area": "network_id, area_id, issued_at, valid_at",
    "int_weather_forecasts_day_ahead": "network_id, area_id, valid_at",
    "int_weather_forecasts_deduplicated": "network_id, station_id, issued_at, valid_at",
    "int_weather_observations_deduplicated": "network_id, station_id, observed_at",
    "int_weather_observations_hourly": "network_id, station_id, observed_hour_at",
} %}

-- The day is part of the grain, so only the days just made are looked at.
{% set days = {
    "int_scada_transformer_readings_superseded": "reading_date",
    "int_transformer_readings_daily": "reading_date",
} %}

{% for model, columns in grains.items() %}
    select '{{ model }}' as model_name, count(*) as row_count
    from {{ ref(model) }}
    {% if model in days -%} where {{ in_days_made(ref(model), days[model]) }} {%- endif %}
    group by {{ columns }}
    having count(*) > 1 {{ 'union all' if not loop.last }}
{% endfor %}
