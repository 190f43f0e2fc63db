-- What becomes of each message of a batch. Lateness is judged message by message against what came before it in the
-- stream, so it does not depend on where batches are cut. Late goes before duplicate: what a final window was made of
-- is no longer there to compare with. A window stays final when the times are made longer later. Two taps may number
-- their messages alike.
create or replace temp table taken as
with
    placed as (
        select
            batch.*,
            time_bucket(to_seconds($window_seconds), batch.event_at) as window_start_at,
            greatest(
                tap.latest_at,
                max(batch.event_at) over (
                    partition by batch.network_id, batch.capture_id
                    order by batch.place
                    rows between unbounded preceding and 1 preceding
                )
            ) as latest_before_at
        from batch
        left join tap on batch.network_id = tap.network_id and batch.capture_id = tap.capture_id
    ),
    judged as (
        select
            placed.*,
            coalesce(
                placed.window_start_at + to_seconds($window_seconds) + to_seconds($late_seconds)
                <= placed.latest_before_at - to_seconds($delay_seconds),
                false
            )
            or coalesce(traffic_window.is_final, false) as is_late
        from placed
        left join
            traffic_window
            on placed.network_id = traffic_window.network_id
            and placed.capture_id = traffic_window.capture_id
            and placed.window_start_at = traffic_window.window_start_at
    )
select
    * exclude (latest_before_at),
    not is_late
    and message_id is not null
    and (
        row_number() over (partition by is_late, network_id, capture_id, message_id order by place) > 1
        or (network_id, capture_id, message_id) in (
            select (event.network_id, event.capture_id, event.message_id)
            from event
            where event.message_id is not null
        )
    ) as is_duplicate
from judged
