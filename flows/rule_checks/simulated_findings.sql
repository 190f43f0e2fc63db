-- Every finding of the cleaning layer about rows of the simulated utility: which raw table, what was found, about whom
-- and when. Telemetry is matched by the full hour nearest to its stamp, because a stamp may be minutes off. What has no
-- stamp that can be believed has none here either.
create or replace table memory.main.findings as
with
    superseded as (
        select 'scada_load_readings' as raw_table, series_id as entity, interval_start_at as found_at
        from warehouse.staging.stg_scada__load_readings as rows_in
        anti join warehouse.intermediate.int_scada_load_readings_deduplicated as clean
            using (_load_id, _source_file, _source_row, series_id)
        anti join warehouse.quarantine.quarantine_scada_load_readings as rejected
            using (_load_id, _source_file, _source_row, series_id)
        where network_id = $network_id
        union all
        select 'weather_observations', station_id, observed_at
        from warehouse.staging.stg_weather__observations as rows_in
        anti join warehouse.intermediate.int_weather_observations_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_weather_observations as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'market_prices', zone_id, interval_start_at
        from warehouse.staging.stg_market__prices as rows_in
        anti join warehouse.intermediate.int_market_prices_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_market_prices as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'oms_outages', '', started_at
        from warehouse.staging.stg_oms__outages as rows_in
        anti join warehouse.intermediate.int_oms_outages_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_oms_outages as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'eam_work_orders', work_order_id, opened_at
        from warehouse.staging.stg_eam__work_orders as rows_in
        anti join warehouse.intermediate.int_eam_work_orders_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_eam_work_orders as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'eam_transformers', asset_id, null
        from warehouse.staging.stg_eam__transformers as rows_in
        anti join warehouse.intermediate.int_eam_transformers_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_eam_transformers as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'scada_events', source_address, date_trunc('second', event_at)
        from warehouse.staging.stg_scada__events as rows_in
        anti join warehouse.intermediate.int_scada_events_deduplicated as clean
            using (_load_id, _source_file, _source_row)
        anti join warehouse.quarantine.quarantine_scada_events as rejected
            using (_load_id, _source_file, _source_row)
        where network_id = $network_id
        union all
        select 'scada_transformer_readings', asset_id, date_trunc('hour', reading_at + interval 30 minute)
        from warehouse.intermediate.int_scada_transformer_readings_superseded
        where network_id = $network_id
    ),
    rejected as (
        select 'scada_load_readings' as raw_table, quarantine_reason, series_id as entity, interval_start_at as found_at
        from warehouse.quarantine.quarantine_scada_load_readings
        where network_id = $network_id
        union all
        select
            'scada_transformer_readings', quarantine_reason, asset_id,
            case
                when quarantine_reason not like 'impossible_stamp%'
                then date_trunc('hour', reading_at + interval 30 minute)
            end
        from warehouse.quarantine.quarantine_scada_transformer_readings
        where network_id = $network_id
        union all
        select 'eam_work_orders', quarantine_reason, work_order_id, opened_at
        from warehouse.quarantine.quarantine_eam_work_orders
        where network_id = $network_id
        union all
        select 'oms_outages', quarantine_reason, '', started_at
        from warehouse.quarantine.quarantine_oms_outages
        where network_id = $network_id
        union all
        select 'weather_observations', quarantine_reason, station_id, observed_at
        from warehouse.quarantine.quarantine_weather_observations
        where network_id = $network_id
        union all
        select 'market_prices', quarantine_reason, zone_id, interval_start_at
        from warehouse.quarantine.quarantine_market_prices
        where network_id = $network_id
    ),
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
    )
select raw_table, 'DUPLICATE' as finding, entity, found_at from superseded
union all
select raw_table, 'QUARANTINED ' || split_part(quarantine_reason, ':', 1), entity, found_at from rejected
union all
select 'scada_load_readings', flag_code, series_id, interval_start_at
from warehouse.intermediate.int_load_readings_screened
where network_id = $network_id and flag_code is not null
union all
select 'scada_transformer_readings', flag_code, asset_id, found_at from telemetry where flag_code is not null
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
