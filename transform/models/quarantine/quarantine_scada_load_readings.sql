with
    readings as (select * from {{ ref("stg_scada__load_readings") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            quality_code,
            received_at,
            operator_forecast_mw,
            published_flag_code,
            {{ quarantine_reason("scada_load_readings") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from readings
        where {{ quarantine_reason("scada_load_readings") }} is not null
    )
select *
from quarantined
