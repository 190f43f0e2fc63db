with
    events as (select * from {{ ref("stg_scada__events") }}),
    -- Rows the quarantine holds are out; a message seen twice at one instant is one message.
    deduplicated as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from events
        where {{ quarantine_reason("scada_events") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("scada_events") }}
                order by {{ latest_first("scada_events") }}
            )
            = 1
    )
select *
from deduplicated
