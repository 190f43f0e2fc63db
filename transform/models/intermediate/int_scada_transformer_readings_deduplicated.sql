{{ config(materialized="view") }}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_matched") }}),
    superseded as (select * from {{ ref("int_scada_transformer_readings_superseded") }}),
    quality_codes as (select * from {{ ref("int_quality_codes_resolved") }}),
    usable as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from readings
        where {{ quarantine_reason("scada_transformer_readings") }} is null
    ),
    -- Rows that lost against a later one of the same key are out. A code nobody defined is
    -- suspect, none is good.
    deduplicated as (
        select
            usable.network_id,
            usable.asset_id,
            usable.reading_at,
            usable.reading_date,
            usable.load_mva,
            usable.top_oil_temperature_degc,
            usable.vibration_mm_s,
            usable.hydrogen_ppm,
            usable.methane_ppm,
            usable.ethane_ppm,
            usable.ethylene_ppm,
            usable.acetylene_ppm,
            usable.quality_code,
            case
                when usable.quality_code is null
                then 'GOOD'
                else coalesce(quality_codes.quality, 'SUSPECT')
            end as quality,
            usable.received_at,
            usable._load_id,
            usable._source,
            usable._source_file,
            usable._source_row,
            usable._ingested_at,
            usable._is_fallback
        from usable
        left join superseded on {{ same_row("usable", "superseded", "scada_transformer_readings") }}
        left join quality_codes on usable.quality_code = quality_codes.quality_code
        where superseded._source_row is null
    )
select *
from deduplicated
