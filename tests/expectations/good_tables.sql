-- Feature and scored tables on which every suite passes; raw tables are made from their contract in conftest.py.
create table features.feat_load_forecast__hourly as
select
    'SIM' as network_id, 'F' || series as series_id, 'feeder' as series_type,
    timestamptz '2025-03-28 00:00:00+00' + to_hours(h::int) as valid_at,
    timestamptz '2025-03-28 01:00:00+00' + to_hours(h::int) as available_at,
    case when h % 50 = 7 then null else 3 + sin(h / 4.0) end as load_mw, h % 25 = 3 as is_imputed,
    null::double as operator_forecast_mw, 10 + sin(h / 24.0) as temperature_degc,
    11.0::double as temperature_forecast_degc, 5.0::double as wind_speed_forecast_mps,
    120.0::double as radiation_forecast_w_m2,
    (h % 24)::int as local_hour, (1 + h // 24 % 7)::int as local_day_of_week,
    false as is_holiday, false as is_fallback
from range(120) hours(h), range(2) series(series);

create table features.feat_load_forecast__horizon as
select
    'SIM' as network_id, 'F' || series as series_id, 'feeder' as series_type,
    timestamptz '2025-04-02 00:00:00+00' as issued_at,
    timestamptz '2025-04-02 00:00:00+00' + to_hours(h::int - 1) as valid_at,
    timestamptz '2025-04-02 00:00:00+00' as available_at, h::int as horizon_hours,
    case when series = 0 then 11.0 end::double as temperature_forecast_degc,
    5.0::double as wind_speed_forecast_mps, null::double as radiation_forecast_w_m2,
    case when series = 0 then 'forecast' else 'none' end as temperature_source,
    (h % 24)::int as local_hour, (1 + h // 24)::int as local_day_of_week,
    false as is_holiday, false as is_fallback
from range(1, 49) hours(h), range(2) series(series);

create table features.feat_transformer_failure__weekly as
select
    'SIM' as network_id, 'T' || unit as asset_id,
    timestamptz '2025-01-06 00:00:00+00' + to_weeks(week::int) as valid_at,
    timestamptz '2025-01-06 00:00:00+00' + to_weeks(week::int) as available_at,
    20.0::double as age_years, 40.0::double as rated_mva,
    0.5::double as mean_load_share_28d, 0.8::double as peak_load_share_28d,
    95.0::double as peak_hot_spot_degc_28d, -1.5::double as mean_top_oil_residual_k_28d,
    2.0::double as mean_vibration_mm_s_28d, 0.1::double as vibration_change_mm_s,
    50.0::double as mean_hydrogen_ppm_28d, 20.0::double as mean_methane_ppm_28d,
    10.0::double as mean_ethane_ppm_28d, 5.0::double as mean_ethylene_ppm_28d,
    0.2::double as mean_acetylene_ppm_28d, 1.0::double as hydrogen_change_ppm,
    1 as corrective_work_order_count_365d, 100.0::double as days_since_maintenance,
    0.98::double as reading_share_28d,
    case when week < 10 then unit = 3 and week = 9 end as has_failed_within_28_days,
    week = 11 as is_live, false as is_fallback
from range(10) units(unit), range(12) weeks(week);

create table features.feat_outage_risk__daily as
select
    'SIM' as network_id, 'F' || feeder as feeder_id, date '2025-01-01' + day::int as outage_date,
    timestamptz '2025-01-01 05:00:00+00' + to_days(day::int) as valid_at,
    timestamptz '2024-12-31 18:00:00+00' + to_days(day::int) as available_at,
    day = 29 as is_live, 12.0::double as peak_gust_forecast_mps, 6.0::double as mean_wind_forecast_mps,
    1.0::double as precipitation_forecast_mm, -2.0::double as min_temperature_forecast_degc,
    6.0::double as max_temperature_forecast_degc, 0.1::double as storm_index_forecast,
    0.0::double as cooling_degree_hours_forecast, 0.4::double as vegetation_index,
    0.9::double as overhead_share, 22.0::double as length_km, 1200 as customers_count,
    4 as critical_customers_count, 0 as outage_count_7d, 1 as outage_count_28d,
    9 as outage_count_365d, (day + 1)::int as day_of_year, (1 + day % 7)::int as local_day_of_week,
    4.0::double as peak_load_mw_week_before, 8.0::double as rated_mw,
    case when day < 29 then (day % 9 = 0)::int end as outage_count,
    case when day < 29 then (day % 9 = 0)::int * 40 end as customers_out_count, false as is_fallback
from range(4) feeders(feeder), range(30) days(day);

create table features.feat_scada_anomaly__window as
select
    'GICS' as network_id, 'tap' as capture_id, 'mms' as protocol,
    timestamptz '2025-01-01 00:00:00+00' + to_minutes(minute::int) as window_start_at,
    timestamptz '2025-01-01 00:01:00+00' + to_minutes(minute::int) as available_at,
    20 as message_count, 3 as distinct_service_count, 7 as distinct_object_count,
    2 as distinct_source_count, 120.0::double as mean_length_bytes, 300 as max_length_bytes,
    3.0::double as mean_gap_seconds, false as is_incident, false as is_fallback
from range(50) minutes(minute);

create table features.feat_scada_anomaly__symbols as
select
    'GICS' as network_id, 'tap' as capture_id,
    timestamptz '2025-01-01 00:00:00+00' + to_minutes(minute::int) as window_start_at,
    timestamptz '2025-01-01 00:01:00+00' + to_minutes(minute::int) as available_at,
    'confirmed|' || symbol as symbol, 5 as message_count, false as is_fallback
from range(50) minutes(minute), range(3) symbols(symbol);

create table ml.transformer_failure_scores as
select
    'SIM' as network_id, 'T' || unit as asset_id, timestamptz '2025-03-24 00:00:00+00' as valid_at,
    timestamptz '2025-03-23 22:00:00+00' as available_at, kind as score_kind,
    0.01 * unit as failure_probability, 0.005 * unit as failure_probability_low,
    0.02 * unit as failure_probability_high, 0.01::double as baseline_failure_probability,
    'age_years' as top_driver, null::varchar as second_driver, 0.0::double as missing_feature_share,
    false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-03-24 06:00:00+00' as scored_at
from range(12) units(unit), (values ('live'), ('backtest')) kinds(kind);

create table ml.load_forecast as
select
    'SIM' as network_id, 'F' || series as series_id, 'feeder' as series_type,
    timestamptz '2025-04-02 00:00:00+00' as issued_at,
    timestamptz '2025-04-02 00:00:00+00' + to_hours(h::int - 1) as valid_at,
    h::int as horizon_hours, kind as score_kind, 2.0::double as p05_load_mw,
    3.0 + sin(h / 4.0) * 0.5 as p50_load_mw, 4.0::double as p95_load_mw,
    3.0::double as baseline_load_mw, 'forecast' as temperature_source, 'model' as forecast_source, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-04-02 06:00:00+00' as scored_at
from range(1, 49) hours(h), range(2) series(series), (values ('live'), ('backtest')) kinds(kind);

create table ml.transformer_failure_drift as
select
    'SIM' as network_id, feature, 0.05::double as psi, 0.03::double as psi_by_chance,
    null::double as ks_p_value, 0.02::double as wasserstein,
    0.0::double as missing_share_rise, false as is_drifted,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-04-02 06:00:00+00' as scored_at
from (values ('age_years'), ('mean_hydrogen_ppm_28d')) features(feature);

create table ml.outage_risk_drift as
select
    'SIM' as network_id, feature, 0.05::double as psi, 0.03::double as psi_by_chance,
    null::double as ks_p_value, 0.02::double as wasserstein,
    0.0::double as missing_share_rise, false as is_drifted,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-04-02 06:00:00+00' as scored_at
from (values ('peak_gust_forecast_mps'), ('peak_load_mw_week_before')) features(feature);

create table ml.load_forecast_drift as
select
    'SIM' as network_id, 'F' || series as series_id, timestamptz '2025-03-20 00:00:00+00' as trained_to,
    timestamptz '2025-04-02 00:00:00+00' as measured_to, 13 as day_count, -0.01 * series as mean_gap_share,
    series = 1 as is_drifted, case when series = 1 then timestamptz '2025-03-30 00:00:00+00' end as drifted_from,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-04-02 06:00:00+00' as scored_at
from range(2) series(series);

create table ml.outage_risk_scores as
select
    'SIM' as network_id, 'F' || feeder as feeder_id, date '2025-04-02' + day::int as outage_date,
    timestamptz '2025-04-01 18:00:00+00' as issued_at, 'live' as score_kind,
    0.1::double as outage_probability, 0.11::double as expected_outage_count,
    12.0::double as expected_customers_out, 0.05::double as baseline_outage_probability,
    '' as missing_features, 0.0::double as missing_feature_share, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-04-01 19:00:00+00' as scored_at
from range(4) feeders(feeder), range(2) days(day);

create table ml.scada_anomaly_scores as
select
    'GICS' as network_id, 'tap' as capture_id, 'mms' as protocol,
    timestamptz '2025-01-01 00:00:00+00' + to_minutes(minute::int) as window_start_at,
    case when minute < 30 then 'reference' else 'live' end as score_kind,
    minute / 60.0 as anomaly_score, minute = 45 as is_anomalous, 20 as message_count,
    0.7::double as baseline_score, 'message_count' as top_driver, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-01-01 02:00:00+00' as scored_at
from range(50) minutes(minute);

create table features.feat_transformer_health__sample as
select
    'DGA' as network_id, 'S' || sample as sample_id, null::varchar as asset_id,
    timestamptz '2025-01-01 00:00:00+00' + to_days(sample::int) as valid_at,
    timestamptz '2025-01-01 00:00:00+00' + to_days(sample::int) as available_at,
    80.0::double as hydrogen_ppm, 4000.0::double as oxygen_ppm, 40000.0::double as nitrogen_ppm,
    30.0::double as methane_ppm, 300.0::double as carbon_monoxide_ppm, 2000.0::double as carbon_dioxide_ppm,
    5.0::double as ethylene_ppm, 20.0::double as ethane_ppm, 0.0::double as acetylene_ppm,
    1.0::double as dbds_ppm, 0.8::double as power_factor_pct, 40.0::double as interfacial_tension_mn_m,
    50.0::double as dielectric_strength_kv, 9.0::double as water_ppm, 0.0::double as acetylene_ethylene_ratio,
    0.375::double as methane_hydrogen_ratio, 0.25::double as ethylene_ethane_ratio,
    6.7::double as carbon_dioxide_monoxide_ratio, 0.1::double as oxygen_nitrogen_ratio, 435.0::double as tdcg_ppm,
    case when sample < 20 then 13.4 + sample end as health_index, false as is_fallback
from range(24) samples(sample);

create table ml.transformer_health_scores as
select
    'DGA' as network_id, 'S' || sample as sample_id, null::varchar as asset_id,
    timestamptz '2025-01-01 00:00:00+00' as valid_at, timestamptz '2025-01-01 00:00:00+00' as available_at,
    kind as score_kind, 13.4 + sample as health_index, 10.0::double as health_index_low,
    60.0::double as health_index_high, 25.0::double as baseline_health_index, 'hydrogen_ppm' as top_driver,
    'water_ppm' as second_driver, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-01-24 06:00:00+00' as scored_at
from range(24) samples(sample), (values ('live'), ('backtest')) kinds(kind);

create table features.feat_top_oil__hourly as
select
    'SIM' as network_id, 'T' || unit as asset_id, timestamptz '2025-01-01 00:00:00+00' + to_hours(h::int) as valid_at,
    timestamptz '2025-01-01 00:20:00+00' + to_hours(h::int) as available_at,
    timestamptz '2025-01-01 00:10:00+00' + to_hours(h::int) as readings_available_at,
    12.0 + sin(h / 4.0) as load_mva, 20.0::double as rated_mva, 8.0 + 4 * sin(h / 4.0) as ambient_temperature_degc,
    45.0 + 3 * sin(h / 4.0) as top_oil_temperature_degc, false as is_fallback
from range(48) hours(h), range(2) units(unit);

create table ml.top_oil_scores as
select
    'SIM' as network_id, 'T' || unit as asset_id, timestamptz '2025-01-03 00:00:00+00' as issued_at,
    timestamptz '2025-01-03 00:00:00+00' + to_hours(h::int - 1) as valid_at, h::int as horizon_hours,
    kind as score_kind, 42.0::double as p05_top_oil_degc, 45.0 + sin(h / 4.0) as p50_top_oil_degc,
    48.0::double as p95_top_oil_degc, 45.0::double as baseline_top_oil_degc,
    case when kind <> 'live' then 44.0 end as expected_top_oil_degc,
    case when kind <> 'live' then 45.5 end as measured_top_oil_degc,
    case when kind <> 'live' then 1.5 end as thermal_residual_k, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-01-03 06:00:00+00' as scored_at
from range(1, 25) hours(h), range(2) units(unit), (values ('live'), ('hindcast'), ('backtest')) kinds(kind);

create table features.feat_restoration_time__outage as
select
    'SIM' as network_id, 'OT' || number as outage_id,
    timestamptz '2025-01-01 05:00:00+00' + to_hours(number::int) as started_at,
    timestamptz '2025-01-01 05:15:00+00' + to_hours(number::int) as valid_at,
    timestamptz '2025-01-01 05:15:00+00' + to_hours(number::int) as available_at,
    'F' || number % 4 as feeder_id, 40.0::double as latitude, -75.0::double as longitude,
    (number % 24)::int as local_hour, (1 + number % 7)::int as local_day_of_week, 1 as local_month,
    0.25::double as report_delay_hours, 2.0::double as first_estimate_hours,
    'unknown' as first_cause_type, 'unassigned' as first_crew_status, 1 as network_begun_count_1h,
    2 as network_begun_count_6h, 5 as network_begun_count_24h, 2 as network_open_count,
    1 as place_begun_count_1h, 1 as place_begun_count_6h, 2 as place_begun_count_24h, 1 as place_open_count,
    case when number < 50 then timestamptz '2025-01-01 07:15:00+00' + to_hours(number::int) end as restored_at,
    case when number < 50 then 2.0::double end as restoration_hours, number >= 50 as is_live,
    false as is_fallback
from range(52) outages(number);

create table ml.restoration_time_scores as
select
    'SIM' as network_id, 'OT' || number as outage_id,
    timestamptz '2025-01-01 05:00:00+00' + to_hours(number::int) as started_at, 'F' || number % 4 as feeder_id,
    timestamptz '2025-01-01 05:15:00+00' + to_hours(number::int) as issued_at,
    case when number < 50 then 'backtest' else 'live' end as score_kind,
    0.5::double as p10_restoration_hours, 2.0::double as p50_restoration_hours,
    6.0::double as p90_restoration_hours, 2.0::double as baseline_restoration_hours, '' as missing_features, false as is_fallback,
    'run' as run_id, 'materialization' as materialization_id, '3' as model_version,
    timestamptz '2025-01-04 06:00:00+00' as scored_at
from range(52) outages(number);
