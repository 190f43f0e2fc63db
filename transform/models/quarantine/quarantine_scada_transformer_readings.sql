{{
    config(
        materialized="incremental",
        incremental_strategy="days",
        on_schema_change="fail",
        pre_hook="{{ choose_days() }}",
    )
}}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_matched") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            asset_id,
            reading_at,
            reading_date,
            load_mva,
            top_oil_temperature_degc,
            vibration_mm_s,
            hydrogen_ppm,
            methane_ppm,
            ethane_ppm,
            ethylene_ppm,
            acetylene_ppm,
            quality_code,
            received_at,
            {{ quarantine_reason("scada_transformer_readings") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from readings
        where
            {{ in_days("reading_date") }}
            and {{ quarantine_reason("scada_transformer_readings") }} is not null
    )
select *
from quarantined
