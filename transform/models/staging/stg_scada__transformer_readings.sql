with
    scada_transformer_readings as (select * from {{ source("raw", "scada_transformer_readings") }}),
    staged as (
        select
            network_id,
            asset_id,
            reading_at,
            _event_date as reading_date,
            load_mva,
            top_oil_temperature_degc,
            vibration_mm_s,
            hydrogen_ppm,
            methane_ppm,
            ethane_ppm,
            ethylene_ppm,
            acetylene_ppm,
            lower(quality_code) as quality_code,
            received_at,
            _parse_error is not null as has_parse_error,
            coalesce(
                reading_at
                > least(_ingested_at, received_at)
                + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            coalesce(quality_code, '01') = '01' as is_quality_good,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from scada_transformer_readings
    )
select *
from staged
