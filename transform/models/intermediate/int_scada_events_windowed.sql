{{ config(materialized="view") }}

with
    events as (select * from {{ ref("int_scada_events_deduplicated") }}),
    windowed as (
        select
            network_id,
            capture_id,
            protocol,
            time_bucket(to_seconds({{ var("scada_window_seconds") }}), event_at) as window_start_at,
            event_at,
            source_address,
            object_id,
            length_bytes,
            coalesce(service, '') as service,
            coalesce(message_type, '') || '|' || coalesce(service, '') as symbol,
            _is_fallback as is_fallback
        from events
    )
select *
from windowed
