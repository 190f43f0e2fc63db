with
    events as (select * from {{ ref("int_scada_events_windowed") }}),
    incidents as (select * from {{ ref("fct_scada_incident") }}),
    windows as (
        select
            network_id,
            capture_id,
            min(protocol) as protocol,
            window_start_at,
            window_start_at + to_seconds({{ var("scada_window_seconds") }}) as available_at,
            cast(count(*) as integer) as message_count,
            cast(count(distinct symbol) as integer) as distinct_service_count,
            cast(count(distinct object_id) as integer) as distinct_object_count,
            cast(count(distinct source_address) as integer) as distinct_source_count,
            {{ exact_mean("length_bytes") }} as mean_length_bytes,
            max(length_bytes) as max_length_bytes,
            -- The gaps between messages in order add up to the span.
            (epoch_us(max(event_at)) - epoch_us(min(event_at)))
            / 1000000.0
            / nullif(count(*) - 1, 0) as mean_gap_seconds,
            bool_or(is_fallback) as is_fallback
        from events
        group by network_id, capture_id, window_start_at
    ),
    -- A window is an incident when any of it lies between the first and the last hostile message.
    incident_windows as (
        select windows.network_id, windows.capture_id, windows.window_start_at
        from windows
        inner join
            incidents
            on windows.network_id = incidents.network_id
            and windows.capture_id = incidents.capture_id
            and windows.window_start_at <= incidents.ended_at
            and windows.available_at > incidents.started_at
        group by windows.network_id, windows.capture_id, windows.window_start_at
    ),
    labelled as (
        select
            windows.network_id,
            windows.capture_id,
            windows.protocol,
            windows.window_start_at,
            windows.available_at,
            windows.message_count,
            windows.distinct_service_count,
            windows.distinct_object_count,
            windows.distinct_source_count,
            windows.mean_length_bytes,
            windows.max_length_bytes,
            windows.mean_gap_seconds,
            incident_windows.capture_id is not null as is_incident,
            windows.is_fallback
        from windows
        left join
            incident_windows
            on windows.network_id = incident_windows.network_id
            and windows.capture_id = incident_windows.capture_id
            and windows.window_start_at = incident_windows.window_start_at
    )
select *
from labelled
