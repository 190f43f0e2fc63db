{{ config(materialized="view") }}

with
    readings as (select * from {{ ref("stg_scada__transformer_readings") }}),
    registered as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    known_assets as (select distinct network_id, asset_id from registered),
    registers as (select distinct network_id from registered),
    -- An asset is an orphan only where there is a register that could know it.
    matched as (
        select
            readings.network_id,
            readings.asset_id,
            readings.reading_at,
            readings.reading_date,
            readings.load_mva,
            readings.top_oil_temperature_degc,
            readings.vibration_mm_s,
            readings.hydrogen_ppm,
            readings.methane_ppm,
            readings.ethane_ppm,
            readings.ethylene_ppm,
            readings.acetylene_ppm,
            readings.quality_code,
            readings.received_at,
            readings.is_in_future,
            readings._load_id,
            readings._source,
            readings._source_file,
            readings._source_row,
            readings._ingested_at,
            readings._parse_error,
            readings._is_fallback,
            registers.network_id is not null and known_assets.asset_id is null as is_asset_orphan
        from readings
        left join registers on readings.network_id = registers.network_id
        left join
            known_assets
            on readings.network_id = known_assets.network_id
            and readings.asset_id = known_assets.asset_id
    )
select *
from matched
