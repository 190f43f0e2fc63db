-- features.feat_scada_anomaly__symbols of the due windows.
select network_id, capture_id, window_start_at, symbol, cast(count(*) as integer) as message_count
from due_message
group by network_id, capture_id, window_start_at, symbol
order by network_id, capture_id, window_start_at, symbol
