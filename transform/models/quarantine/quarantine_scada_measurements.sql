with
    measurements as (select * from {{ ref("stg_scada__measurements") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            tag_id,
            measured_at,
            stamp_type,
            value_text,
            unit_code,
            quality_code,
            protocol,
            rtu_id,
            scan_class,
            {{ quarantine_reason("scada_measurements") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from measurements
        where {{ quarantine_reason("scada_measurements") }} is not null
    )
select *
from quarantined
