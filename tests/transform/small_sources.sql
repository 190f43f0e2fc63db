-- A network of one feeder and two transformers over ten days of January 2024, with one defect of each kind.
create macro landed(load_id, row_number) as {
    '_load_id': load_id, '_source': 'test', '_source_file': load_id || '.csv', '_source_row': row_number,
    '_ingested_at': timestamptz '2024-02-01 00:00:00+00', '_parse_error': cast(null as varchar), '_is_fallback': false
};

insert into raw.gis_substations by name
select 'N' as network_id, 'S1' as substation_id, 'WS1' as station_id, unnest(landed('gis', 1));

insert into raw.gis_feeders by name
select 'N' as network_id, 'F1' as feeder_id, 'S1' as substation_id, 12.0 as voltage_kv, 10.0 as rated_mw,
    5.0 as length_km, 0.5 as overhead_share, 0.4 as vegetation_index, unnest(landed('gis', 1));

insert into raw.cis_customers by name
select 'N' as network_id, 'C' || i as customer_id, 'F1' as feeder_id, 'T1' as asset_id,
    i = 0 as is_critical, unnest(landed('cis', i))
from range(100) as customers (i);

-- T1 is listed twice: the older version loses.
insert into raw.eam_transformers by name
select 'N' as network_id, 'T1' as asset_id, 'S1' as substation_id, 'F1' as feeder_id, 10.0 as rated_mva,
    55.0 as rated_top_oil_rise_k, date '2000-01-01' as installed_on,
    timestamptz '2023-01-01 00:00:00+00' as updated_at, unnest(landed('eam', 1))
union all by name
select 'N' as network_id, 'T1' as asset_id, 'S1' as substation_id, 'F1' as feeder_id, 99.0 as rated_mva,
    55.0 as rated_top_oil_rise_k, date '2000-01-01' as installed_on,
    timestamptz '2022-01-01 00:00:00+00' as updated_at, unnest(landed('eam', 2))
union all by name
select 'N' as network_id, 'T2' as asset_id, 'S9' as substation_id, null as feeder_id, 10.0 as rated_mva,
    null as rated_top_oil_rise_k, date '2010-01-01' as installed_on,
    timestamptz '2023-01-01 00:00:00+00' as updated_at, unnest(landed('eam', 3));

-- Rows 1-240 are sound; 241 was sent again with a revision; 242 cannot be read; 243 is of nobody; 244 is from 1970.
insert into raw.scada_transformer_readings by name
select 'N' as network_id, 'T1' as asset_id, timestamptz '2024-01-01 00:00:00+00' + to_hours(cast(i as integer)) as reading_at,
    6.0 + (i % 24) / 10.0 as load_mva, 40.0 + (i % 24) / 10.0 as top_oil_temperature_degc,
    1.0 + (i % 7) / 100.0 as vibration_mm_s, 20.0 + (i % 5) / 10.0 as hydrogen_ppm, '01' as quality_code,
    timestamptz '2024-01-01 00:01:00+00' + to_hours(cast(i as integer)) as received_at, unnest(landed('hist', i + 1))
from range(240) as readings (i)
union all by name
select 'N' as network_id, 'T1' as asset_id, timestamptz '2024-01-05 00:00:00+00' as reading_at, 7.0 as load_mva,
    44.0 as top_oil_temperature_degc, 1.0 as vibration_mm_s, 20.0 as hydrogen_ppm, '01' as quality_code,
    timestamptz '2024-01-07 00:00:00+00' as received_at, unnest(landed('hist2', 241));
insert into raw.scada_transformer_readings by name
select 'N' as network_id, 'T1' as asset_id, timestamptz '2024-01-05 01:00:00+00' as reading_at,
    unnest(landed('hist2', 242)) union all by name
select 'N' as network_id, 'X7' as asset_id, timestamptz '2024-01-05 01:00:00+00' as reading_at, 5.0 as load_mva,
    unnest(landed('hist2', 243)) union all by name
select 'N' as network_id, 'T1' as asset_id, timestamptz '1970-01-01 01:00:00+00' as reading_at, 5.0 as load_mva,
    unnest(landed('hist2', 244));
update raw.scada_transformer_readings set _parse_error = 'load_mva: 5,x' where _source_row = 242;
update raw.scada_transformer_readings set _event_date = cast(reading_at as date);

-- Hour 30 is missing, hour 50 negative; hour 60 came twice; the last row lies in the future.
insert into raw.scada_load_readings by name
select 'N' as network_id, 'F1' as series_id, 'feeder' as series_type,
    timestamptz '2024-01-01 00:00:00+00' + to_hours(cast(i as integer)) as interval_start_at, 60 as interval_minutes,
    case when i = 50 then -1.0 else 4.0 + sin(i / 24.0 * 6.28) + (i % 11) / 100.0 end as load_mw, '01' as quality_code,
    unnest(landed('load', i + 1))
from range(240) as readings (i)
where i <> 30
union all by name
select 'N' as network_id, 'F1' as series_id, 'feeder' as series_type,
    timestamptz '2024-01-03 12:00:00+00' as interval_start_at, 60 as interval_minutes, 4.5 as load_mw, '01' as quality_code,
    unnest(landed('load', 300))
union all by name
select 'N' as network_id, 'F1' as series_id, 'feeder' as series_type,
    timestamptz '2034-01-03 12:00:00+00' as interval_start_at, 60 as interval_minutes, 4.5 as load_mw, '01' as quality_code,
    unnest(landed('load', 301));

insert into raw.weather_observations by name
select 'N' as network_id, 'WS1' as station_id,
    timestamptz '2024-01-01 00:00:00+00' + to_hours(cast(i as integer)) as observed_at,
    5.0 as temperature_degc, 4.0 as wind_speed_mps, unnest(landed('wx', i + 1))
from range(240) as observations (i);

insert into raw.weather_forecasts by name
select 'N' as network_id, 'WS1' as station_id, timestamptz '2024-01-01 00:00:00+00' + to_days(cast(d as integer)) as issued_at,
    timestamptz '2024-01-01 00:00:00+00' + to_days(cast(d as integer)) + to_hours(cast(h as integer)) as valid_at,
    6.0 as temperature_degc, 5.0 as wind_speed_mps, 10.0 as wind_gust_mps, 0.0 as precipitation_mm,
    unnest(landed('nwp', d * 100 + h))
from range(10) as days (d), range(1, 73) as hours (h);

-- Number O1 is used twice; O3 is on a feeder nobody knows.
insert into raw.oms_outages by name
select 'N' as network_id, 'O1' as outage_id, 'F1' as feeder_id, timestamptz '2024-01-02 10:00:00+00' as started_at,
    timestamptz '2024-01-02 12:00:00+00' as restored_at, 40 as customers_out_count, 'Tree contact' as cause_text,
    unnest(landed('oms', 1))
union all by name
select 'N' as network_id, 'O1' as outage_id, 'F1' as feeder_id, timestamptz '2024-01-06 10:00:00+00' as started_at,
    timestamptz '2024-01-06 12:00:00+00' as restored_at, -1 as customers_out_count, 'Planned work' as cause_text,
    unnest(landed('oms', 2))
union all by name
select 'N' as network_id, 'O3' as outage_id, 'F999' as feeder_id, timestamptz '2024-01-07 10:00:00+00' as started_at,
    timestamptz '2024-01-07 12:00:00+00' as restored_at, 5 as customers_out_count, 'Animal' as cause_text,
    unnest(landed('oms', 3));

-- Of O1's first use 30 of 40 customers came back after half an hour; O9 is of nobody; one step is before its outage.
insert into raw.oms_restoration_steps by name
select 'N' as network_id, 'O1' as outage_id, timestamptz '2024-01-02 10:00:00+00' as started_at, 1 as step_number,
    timestamptz '2024-01-02 10:30:00+00' as restored_at, 30 as customers_restored_count, unnest(landed('steps', 1))
union all by name
select 'N' as network_id, 'O9' as outage_id, null::timestamptz as started_at, 1 as step_number,
    timestamptz '2024-01-02 10:30:00+00' as restored_at, 30 as customers_restored_count, unnest(landed('steps', 2))
union all by name
select 'N' as network_id, 'O3' as outage_id, timestamptz '2024-01-07 10:00:00+00' as started_at, 1 as step_number,
    timestamptz '2024-01-07 09:00:00+00' as restored_at, 5 as customers_restored_count, unnest(landed('steps', 3));

-- Of O1's first use the estimate was revised; O9 is of nobody; one says nothing; the first was sent twice.
insert into raw.oms_restoration_estimates by name
select 'N' as network_id, 'O1' as outage_id, timestamptz '2024-01-02 10:00:00+00' as started_at,
    timestamptz '2024-01-02 11:00:00+00' as estimated_restoration_at,
    timestamptz '2024-01-02 10:10:00+00' as issued_at, 'System' as estimate_source, unnest(landed('estimates', i))
from range(1, 3) as copies (i)
union all by name
select 'N' as network_id, 'O1' as outage_id, timestamptz '2024-01-02 10:00:00+00' as started_at,
    timestamptz '2024-01-02 13:00:00+00' as estimated_restoration_at,
    timestamptz '2024-01-02 10:40:00+00' as issued_at, 'crew' as estimate_source, unnest(landed('estimates', 3))
union all by name
select 'N' as network_id, 'O9' as outage_id, null::timestamptz as started_at,
    timestamptz '2024-01-02 13:00:00+00' as estimated_restoration_at,
    timestamptz '2024-01-02 10:40:00+00' as issued_at, 'crew' as estimate_source, unnest(landed('estimates', 4))
union all by name
select 'N' as network_id, 'O3' as outage_id, null::timestamptz as started_at,
    null::timestamptz as estimated_restoration_at,
    timestamptz '2024-01-07 10:40:00+00' as issued_at, 'crew' as estimate_source, unnest(landed('estimates', 5));

-- A trip for half an hour, its acknowledgement, two lost rows, a state nobody knows, a stamp of 1970, a row sent again.
insert into raw.scada_alarms by name
select 'N' as network_id, 'F1.TRIP' as point_id, sequence_number, event_at, state_code, acknowledged_by,
    event_at as received_at, 1 as priority, 3 as cause_of_transmission, unnest(landed('alarms', row_number))
from (
    values
        (1, 1, timestamptz '2024-01-02 10:00:00+00', 'ALARM', null),
        (2, 2, timestamptz '2024-01-02 10:01:00+00', null, 'a.meyer'),
        (3, 5, timestamptz '2024-01-02 10:30:00+00', 'Normal', null),
        (4, 6, timestamptz '2024-01-02 11:00:00+00', '7', null),
        (5, 7, timestamptz '1970-01-01 00:00:07+00', 'ALARM', null),
        (6, 5, timestamptz '2024-01-02 10:30:00+00', 'Normal', null)
) as rows_of_log (row_number, sequence_number, event_at, state_code, acknowledged_by);

insert into raw.eam_work_orders by name
select 'N' as network_id, 'W1' as work_order_id, 'T1' as asset_id, 'CM' as work_type, 'LEAK' as problem_code,
    timestamptz '2024-01-03 00:00:00+00' as opened_at, unnest(landed('wo', 1))
union all by name
select 'N' as network_id, 'W2' as work_order_id, 'X7' as asset_id, 'CM' as work_type, 'LEAK' as problem_code,
    timestamptz '2024-01-03 00:00:00+00' as opened_at, unnest(landed('wo', 2));

-- Segment S1 was inspected; S2 has no length and S3 is on a feeder nobody knows.
insert into raw.gis_segments by name
select 'N' as network_id, 'S1' as segment_id, 'F1' as feeder_id, 900.0 as length_m, unnest(landed('gis', 11))
union all by name
select 'N' as network_id, 'S2' as segment_id, 'F1' as feeder_id, 0.0 as length_m, unnest(landed('gis', 12))
union all by name
select 'N' as network_id, 'S3' as segment_id, 'F999' as feeder_id, 900.0 as length_m, unnest(landed('gis', 13));
insert into raw.vegetation_inspections by name
select 'N' as network_id, 'S1' as segment_id, date '2023-06-01' as inspected_on, 40.0 as canopy_pct, unnest(landed('veg', 1))
union all by name
select 'N' as network_id, 'S1' as segment_id, date '2023-07-01' as inspected_on, null as canopy_pct, unnest(landed('veg', 2));

-- 1,500 Wh, 2 x 10^3 Wh, then a reading in no unit, one sent twice and one of no length.
insert into raw.ami_intervals by name
select 'N' as network_id, 'C0' as meter_id, timestamptz '2024-01-02 10:00:00+00' as interval_start_at, 3600 as duration_seconds,
    1500.0 as reading_value, 'Wh' as unit_code, 0 as power_of_ten, unnest(landed('ami', 1))
union all by name
select 'N' as network_id, 'C0' as meter_id, timestamptz '2024-01-02 11:00:00+00' as interval_start_at, 3600 as duration_seconds,
    2.0 as reading_value, 'Wh' as unit_code, 3 as power_of_ten, unnest(landed('ami', 2))
union all by name
select 'N' as network_id, 'C0' as meter_id, timestamptz '2024-01-02 12:00:00+00' as interval_start_at, 3600 as duration_seconds,
    2.0 as reading_value, 'gal' as unit_code, 3 as power_of_ten, unnest(landed('ami', 3))
union all by name
select 'N' as network_id, 'C0' as meter_id, timestamptz '2024-01-02 11:00:00+00' as interval_start_at, 3600 as duration_seconds,
    2.0 as reading_value, 'Wh' as unit_code, 3 as power_of_ten, unnest(landed('ami', 4))
union all by name
select 'N' as network_id, 'C0' as meter_id, timestamptz '2024-01-02 13:00:00+00' as interval_start_at, 0 as duration_seconds,
    2.0 as reading_value, 'Wh' as unit_code, 3 as power_of_ten, unnest(landed('ami', 5));

-- A forced value of IEC 104, a digital state of PI, and a stamp of 1970.
insert into raw.scada_measurements by name
select 'N' as network_id, 'A' as tag_id, timestamptz '2024-01-02 10:00:00+00' as measured_at, '5.0' as value_text,
    '20' as quality_code, 'IEC104' as protocol, unnest(landed('points', 1))
union all by name
select 'N' as network_id, 'B' as tag_id, timestamptz '2024-01-02 10:00:00+00' as measured_at, 'Bad Input' as value_text,
    null as quality_code, 'PI' as protocol, unnest(landed('points', 2))
union all by name
select 'N' as network_id, 'B' as tag_id, timestamptz '1970-01-01 10:00:00+00' as measured_at, '5.0' as value_text,
    null as quality_code, 'PI' as protocol, unnest(landed('points', 3));

-- A wide delivered row that feeds two prices: both carry the same landed row.
insert into raw.market_prices by name
select 'N' as network_id, zone_id, timestamptz '2024-01-03 00:00:00+00' as interval_start_at,
    30.0 as day_ahead_price_usd_per_mwh, unnest(landed('market', 1))
from (values ('Z1'), ('Z2')) as zones (zone_id);

drop macro landed;
