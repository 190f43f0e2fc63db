-- features.feat_scada_anomaly__window of the due windows; tests hold both against each other.
select
    network_id,
    capture_id,
    min(protocol) as protocol,
    window_start_at,
    cast(count(*) as integer) as message_count,
    cast(count(distinct symbol) as integer) as distinct_service_count,
    cast(count(distinct object_id) as integer) as distinct_object_count,
    cast(count(distinct source_address) as integer) as distinct_source_count,
    cast(sum(cast(length_bytes as decimal(32, 6))) as double) / nullif(count(length_bytes), 0) as mean_length_bytes,
    max(length_bytes) as max_length_bytes,
    (epoch_us(max(event_at)) - epoch_us(min(event_at))) / 1000000.0 / nullif(count(*) - 1, 0) as mean_gap_seconds,
    false as is_incident,
    false as is_fallback
from due_message
group by network_id, capture_id, window_start_at
order by network_id, capture_id, window_start_at
