with
    events as (select * from {{ ref("stg_scada__events") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            capture_id,
            event_at,
            source_address,
            destination_address,
            source_port,
            destination_port,
            protocol,
            message_type,
            service,
            object_id,
            length_bytes,
            {{ quarantine_reason("scada_events") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from events
        where {{ quarantine_reason("scada_events") }} is not null
    )
select *
from quarantined
