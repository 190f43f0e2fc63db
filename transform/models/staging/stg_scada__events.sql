with
    scada_events as (select * from {{ source("raw", "scada_events") }}),
    staged as (
        select
            network_id,
            capture_id,
            event_at,
            source_address,
            destination_address,
            source_port,
            destination_port,
            lower(protocol) as protocol,
            message_type,
            service,
            object_id,
            length_bytes,
            _parse_error is not null as has_parse_error,
            coalesce(
                event_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour, false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from scada_events
    )
select *
from staged
