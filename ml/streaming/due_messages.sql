-- What the due windows are made of. As int_scada_events_deduplicated: a message seen twice at one instant is one message.
create or replace temp table due_message as
select distinct
    event.network_id,
    event.capture_id,
    event.window_start_at,
    event.event_at,
    event.source_address,
    event.destination_address,
    event.source_port,
    event.destination_port,
    event.protocol,
    event.message_type,
    event.service,
    event.object_id,
    event.length_bytes,
    coalesce(event.message_type, '') || '|' || coalesce(event.service, '') as symbol
from event
inner join
    due_window
    on event.network_id = due_window.network_id
    and event.capture_id = due_window.capture_id
    and event.window_start_at = due_window.window_start_at
