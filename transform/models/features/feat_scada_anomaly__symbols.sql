with
    events as (select * from {{ ref("int_scada_events_windowed") }}),
    symbols as (
        select
            network_id,
            capture_id,
            window_start_at,
            window_start_at + to_seconds({{ var("scada_window_seconds") }}) as available_at,
            symbol,
            cast(count(*) as integer) as message_count,
            bool_or(is_fallback) as is_fallback
        from events
        group by network_id, capture_id, window_start_at, symbol
    )
select *
from symbols
