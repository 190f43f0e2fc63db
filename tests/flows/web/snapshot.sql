create schema reports;
create schema marts;
create schema quarantine;
create schema lineage;

create table reports.rpt_data_quality as
select * from (values
    ('scada_load_readings', 3, timestamptz '2026-11-21 05:40:00+00', 1240511, 1238820, 1391, 300, 8213, 4401, 0.11, true, false),
    ('scada_transformer_readings', 2, timestamptz '2026-11-21 05:40:00+00', 412000, 409990, 2010, 0, 912, 0, 0.49, true, false),
    ('weather_observations', 2, timestamptz '2026-11-21 05:41:00+00', 17520, 17100, 0, 420, 0, 0, 0.0, true, true),
    ('oms_outages', 1, timestamptz '2026-11-21 05:41:00+00', 4210, 4100, 90, 0, 0, 0, 2.1, false, false),
    ('soc_incidents', 1, timestamptz '2026-11-21 05:41:00+00', 4, 4, 0, 0, 0, 0, 0.0, true, false),
    ('lab_oil_tests', 0, null, 0, 0, 0, 0, 0, 0, null, true, false)
) as t (raw_table, load_count, last_ingested_at, row_count_in, row_count_clean, row_count_quarantined,
    row_count_duplicate, flagged_count, imputed_count, quarantined_pct, is_balanced, is_fallback);

create table marts.fct_row_conservation as
select * from (values
    ('oms_outages', '9f2c51d07aa1', 'simulator', timestamptz '2026-11-21 05:41:00+00', 4210, 4100, 90, 0, 12, false, false),
    ('soc_incidents', 'a3b1c0', 'simulator', timestamptz '2026-11-21 05:41:00+00', 4, 4, 0, 0, 0, true, false)
) as t (raw_table, _load_id, source_name, ingested_at, row_count_in, row_count_clean,
    row_count_quarantined, row_count_duplicate, row_count_parse_error, is_balanced, is_fallback);

create table quarantine.quarantine_scada_load_readings as
select 'SIM' as network_id, 'load-1' as _load_id, case when i < 900 then 'interval_start_at after landing' when i < 1300 then 'load_mw could not be read: ''n/a''' else 'series_id missing' end as quarantine_reason from range(1391) t(i);
create table quarantine.quarantine_scada_transformer_readings as
select 'SIM' as network_id, 'reading_at before 1990 <script>alert(1)</script>' as quarantine_reason from range(2010);
create table quarantine.quarantine_oms_outages as
select 'SIM' as network_id, null::varchar as quarantine_reason from range(90);
create table quarantine.quarantine_soc_incidents as select 'SIM' as network_id, '' as quarantine_reason limit 0;

create table lineage.check_result (
  check_result_id UUID PRIMARY KEY, asset_key VARCHAR NOT NULL, partition_key VARCHAR NOT NULL DEFAULT '',
  materialization_id UUID NOT NULL, run_id UUID NOT NULL, check_name VARCHAR NOT NULL, engine VARCHAR NOT NULL,
  check_version VARCHAR NOT NULL, column_name VARCHAR, severity VARCHAR NOT NULL, blocking BOOLEAN NOT NULL,
  status VARCHAR NOT NULL, expected VARCHAR, actual VARCHAR, failing_rows BIGINT, sample JSON,
  evaluated_at TIMESTAMPTZ NOT NULL);
insert into lineage.check_result
select uuid(), asset_key, '', uuid(), uuid(), check_name, 'gx', 'v', column_name, severity, blocking, status, expected,
    actual, failing_rows, sample::json, evaluated_at::timestamptz
from (values
    ('features/feat_load_forecast__hourly', 'gx:row_count', null, 'ERROR', true, 'PASS', 'at least one row', '93,120 rows', null, null, '2026-11-21 05:58:00+00'),
    ('features/feat_load_forecast__hourly', 'gx:grid_is_regular', null, 'ERROR', true, 'FAIL', 'every hour from first to last reading, per series', '2 rows', 2, '[{"network_id": "SIM", "series_id": "F007", "row_count": 8711}, {"network_id": "SIM", "series_id": "<b>F019</b>", "row_count": 8699}]', '2026-11-21 05:58:00+00'),
    ('features/feat_load_forecast__hourly', 'gate', null, 'ERROR', true, 'FAIL', 'every critical expectation passes', 'grid_is_regular', null, null, '2026-11-21 05:58:00+00'),
    ('ml/outage_risk_scores', 'gx:expected_customers_out_in_range', 'expected_customers_out', 'ERROR', true, 'ERROR', 'every known expected_customers_out within 0 to 1e+08', 'could not be checked: Error: The column "expected_customers_out" in BatchData does not exist.', null, null, '2026-11-21 05:58:00+00'),
    ('raw/scada_load_readings', 'gx:load_mw_null_share_warning', 'load_mw', 'WARN', false, 'FAIL', 'at most 20 % or 3 rows: rows without load_mw', '13,412 of 60,100 violate it (22.32 %)', 13412, null, '2026-11-21 05:41:00+00'),
    ('raw/soc_incidents', 'gx:row_count', null, 'ERROR', true, 'FAIL', 'at least one row', '0 rows', null, null, '2026-11-20 05:41:00+00'),
    ('raw/soc_incidents', 'gx:row_count', null, 'ERROR', true, 'PASS', 'at least one row', '4 rows', null, null, '2026-11-21 05:41:00+00'),
    ('raw/lab_oil_tests', 'gx:row_count', null, 'ERROR', true, 'NOT_RUN', 'at least one row', 'the source has none', null, null, '2026-11-21 05:41:00+00')
) as t (asset_key, check_name, column_name, severity, blocking, status, expected, actual, failing_rows, sample, evaluated_at);

create table lineage.load as
select '5d41402abc4b2a76b9719d911017c592' as load_id, 'weather_observations' as raw_table, 'metar_export' as source,
    'FALLBACK' as status, 'raw/weather_observations temperature_degc_implausible: expected at most 5 % or 3 rows: rows with temperature_degc outside -90 to 60, found 8,760 of 8,760 violate it (100 %)' as reason,
    8760::bigint as row_count, 0::bigint as parse_error_count, timestamptz '2026-11-21 05:40:00+00' as landed_at
union all
select '9f2c51d07aa1', 'oms_outages', 'simulator', 'ACCEPTED', null, 4210, 12, timestamptz '2026-11-20 23:59:00+00'
union all
select 'load-1', 'scada_load_readings', 'simulator', 'ACCEPTED', null, 1391, 0, timestamptz '2026-11-20 05:41:00+00';

create table lineage.delivered_file as
select 'simulator' as source, 'load_<b>2026</b>.csv' as file_name, 'REJECTED' as status, 'row 7 has 3 fields, expected 5' as reason,
    7::bigint as defect_row, timestamptz '2026-11-20 05:41:00+00' as seen_at;

create table marts.fct_measurement_quality_daily as
select 'SIM' as network_id, 'pi' as protocol, date '2026-11-01' + i::int as reading_date, unnest(['GOOD', 'BAD']) as quality,
    'x' as quality_reason, unnest([95, 5 + i::int]) as reading_count
from range(20) t(i) where i <> 7;

create table marts.fct_point_quality as
select * from (values
    ('SIM', 'RTU07', 'SUB01.XF1.TOPOIL', 600, 540, 'BAD: IV'),
    ('SIM', 'RTU07', 'SUB01.XF1.MW', 600, 6, 'STALE: NT'),
    ('SIM', 'RTU08', 'SUB02.XF1.<i>MW</i>', 600, 60, 'STALE: NT'),
    ('SIM', 'RTU09', 'SUB03.XF1.MW', 3, 3, 'BAD: IV')
) as t (network_id, rtu_id, tag_id, reading_count, not_good_count, commonest_reason);
