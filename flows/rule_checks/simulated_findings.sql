-- What the cleaning layer flagged in rows of the simulated utility: which raw table, what was found, about whom and when;
-- rows set aside are added by simulated_set_aside.sql. Telemetry is matched by the full hour nearest to its stamp, because
-- a stamp may be minutes off. What has no stamp that can be believed has none here either.
create or replace table memory.main.findings as
with
    telemetry as (
        select
            asset_id, flag_code, is_clock_off, received_at - reading_at as delay,
            date_trunc('hour', reading_at + interval 30 minute) as found_at
        from warehouse.intermediate.int_scada_transformer_readings_screened
        where network_id = $network_id
    ),
    outages as (
        -- The later of two events is the one that took a number over.
        select
            started_at, is_reported_before_start, is_feeder_orphan, is_customers_out_impossible, cause_text, cause_type,
            is_outage_id_reused
            and row_number() over (partition by outage_id order by started_at) > 1 as is_later_use
        from warehouse.intermediate.int_oms_outages_classified
        where network_id = $network_id
    ),
    steps as (
        select restored_at, is_outage_orphan, is_start_missing
        from warehouse.intermediate.int_oms_restoration_steps_matched
        where network_id = $network_id
    ),
    estimates as (
        select issued_at, is_outage_orphan, is_start_missing, is_before_issue, is_impossible
        from warehouse.marts.fct_restoration_estimate
        where network_id = $network_id
    ),
    alarms as (
        select point_id, date_trunc('second', event_at) as found_at, missing_row_count, is_sequence_restarted
        from warehouse.intermediate.int_scada_alarms_deduplicated
        where network_id = $network_id
    ),
    inspections as (
        select
            segment_id, is_segment_orphan, is_canopy_impossible,
            timezone('UTC', cast(inspected_on as timestamp)) as found_at
        from warehouse.intermediate.int_vegetation_inspections_screened
        where network_id = $network_id
    ),
    intervals as (
        select
            meter_id, interval_start_at, energy_kwh, lower(unit_code) = 'kwh' as is_in_kwh,
            median(energy_kwh) over (partition by meter_id) as usual_energy_kwh
        from warehouse.intermediate.int_ami_intervals_deduplicated
        where network_id = $network_id
    )
select 'scada_load_readings' as raw_table, flag_code as finding, series_id as entity, interval_start_at as found_at
from warehouse.intermediate.int_load_readings_screened
where network_id = $network_id and flag_code is not null
union all
select 'scada_transformer_readings', flag_code, asset_id, found_at from telemetry where flag_code is not null
union all
select 'scada_transformer_readings', 'DUPLICATE', asset_id, date_trunc('hour', reading_at + interval 30 minute)
from warehouse.intermediate.int_scada_transformer_readings_superseded where network_id = $network_id
union all
select
    'scada_transformer_readings', 'QUARANTINED ' || split_part(quarantine_reason, ':', 1), asset_id,
    case
        when quarantine_reason not like 'impossible_stamp%' then date_trunc('hour', reading_at + interval 30 minute)
    end
from warehouse.quarantine.quarantine_scada_transformer_readings where network_id = $network_id
union all
select 'scada_transformer_readings', 'CLOCK_OFF', asset_id, found_at from telemetry where is_clock_off
union all
select 'scada_transformer_readings', 'TAKEN_IN_LATE', asset_id, found_at
from telemetry where delay > interval 30 minute
union all
select raw_table, 'MISSING', entity_id, missing_at
from warehouse.intermediate.int_feed_gaps where network_id = $network_id
union all
select 'weather_observations', 'WIND_FAULT', station_id, observed_hour_at
from warehouse.intermediate.int_weather_observations_hourly where network_id = $network_id and wind_fault_count > 0
union all
select 'weather_observations', 'UNIT_SLIP', station_id, observed_hour_at
from warehouse.intermediate.int_weather_observations_hourly where network_id = $network_id and unit_slip_count > 0
union all
select 'market_prices', 'IMPOSSIBLE_PRICE', zone_id, interval_start_at
from warehouse.marts.fct_market_price where network_id = $network_id and has_impossible_price
union all
select 'oms_outages', 'REPORTED_BEFORE_START', '', started_at from outages where is_reported_before_start
union all
select 'oms_outages', 'ORPHAN_FEEDER', '', started_at from outages where is_feeder_orphan
union all
select 'oms_outages', 'NO_CAUSE', '', started_at from outages where cause_text is null and cause_type = 'unknown'
union all
select 'oms_outages', 'IMPOSSIBLE_COUNT', '', started_at from outages where is_customers_out_impossible
union all
select 'oms_outages', 'REUSED_ID', '', started_at from outages where is_later_use
union all
select 'oms_restoration_steps', 'ORPHAN_OUTAGE', '', restored_at from steps where is_outage_orphan
union all
select 'oms_restoration_steps', 'NO_START', '', restored_at from steps where is_start_missing
union all
-- The stamp is what is wrong, so it tells no place: the outage does.
select 'oms_restoration_steps', 'RESTORED_BEFORE_START', outage_id, null
from warehouse.quarantine.quarantine_oms_restoration_steps
where network_id = $network_id and quarantine_reason = 'restored_before_start'
union all
select 'oms_restoration_estimates', 'ORPHAN_OUTAGE', '', issued_at from estimates where is_outage_orphan
union all
select 'oms_restoration_estimates', 'NO_START', '', issued_at from estimates where is_start_missing
union all
select 'oms_restoration_estimates', 'ESTIMATE_BEFORE_ISSUE', '', issued_at from estimates where is_before_issue
union all
select 'oms_restoration_estimates', 'IMPOSSIBLE_ESTIMATE', '', issued_at from estimates where is_impossible
union all
select 'scada_alarms', 'ROWS_LOST', point_id, found_at from alarms where missing_row_count > 0
union all
select 'scada_alarms', 'COUNTED_ANEW', point_id, found_at from alarms where is_sequence_restarted
union all
select 'gis_segments', 'ORPHAN_FEEDER', segment_id, null
from warehouse.marts.dim_segments where network_id = $network_id and is_feeder_orphan
union all
-- The log knows the segment before it was overwritten; the day of the inspection stayed.
select 'vegetation_inspections', 'ORPHAN_SEGMENT', '', found_at from inspections where is_segment_orphan
union all
select 'vegetation_inspections', 'IMPOSSIBLE_CANOPY', segment_id, found_at from inspections where is_canopy_impossible
union all
select 'ami_intervals', 'MISSING', meter_id, interval_start_at from intervals where energy_kwh is null
union all
-- Read as Wh it would lie a thousandfold off the meter's other readings; thirty is half of that way.
select 'ami_intervals', 'TAKEN_IN_AS_KWH', meter_id, interval_start_at
from intervals where is_in_kwh and energy_kwh between usual_energy_kwh / 30 and usual_energy_kwh * 30
union all
select 'scada_measurements', 'BAD_QUALITY', tag_id, measured_at
from warehouse.intermediate.int_scada_measurements_qualified where network_id = $network_id and quality <> 'GOOD'
union all
select 'eam_work_orders', 'COMPLETED_BEFORE_OPENING', work_order_id, opened_at
from warehouse.marts.fct_work_order where network_id = $network_id and is_completed_before_opening
union all
select 'eam_transformers', 'NO_FEEDER', asset_id, null
from warehouse.intermediate.int_transformer_installations where network_id = $network_id and feeder_id is null
union all
select 'eam_transformers', 'RATED_IN_KVA', asset_id, null
from warehouse.intermediate.int_transformer_installations where network_id = $network_id and is_rated_in_kva
union all
select 'cis_customers', 'ORPHAN_ASSET', customer_id, null
from warehouse.intermediate.int_cis_customers_placed where network_id = $network_id and is_asset_orphan
union all
select 'cis_customers', 'NO_FEEDER', customer_id, null
from warehouse.intermediate.int_cis_customers_placed where network_id = $network_id and is_feeder_missing
union all
select
    case source
        when 'simulator_oms' then 'oms_outages'
        else regexp_replace(source, '^simulator_', '')
    end,
    'FILE ' || status, regexp_extract(file_name, '[^/]+$'), null
from warehouse.lineage.delivered_file
