with
    scada_measurements as (select * from {{ source("raw", "scada_measurements") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            coalesce(
                measured_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from scada_measurements
    )
select *
from staged
