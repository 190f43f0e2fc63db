with
    alarms as (select * from {{ ref("int_scada_alarms_deduplicated") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    totalled as (
        select
            network_id,
            point_id,
            event_at,
            sequence_number,
            state_code,
            is_abnormal,
            coalesce(
                cause_of_transmission = {{ var("commanded_cause_of_transmission") }}, false
            ) as is_commanded,
            priority,
            acknowledged_by,
            operator_name,
            command_type,
            source_address,
            received_at,
            sum(missing_row_count + cast(is_sequence_restarted as integer)) over (
                partition by network_id, _source
                order by coalesce(received_at, event_at), sequence_number
                rows between unbounded preceding and current row
            ) as lost_count,
            _load_id,
            _is_fallback
        from alarms
    ),
    -- What the point was before the row, and what became of it.
    surrounded as (
        select
            network_id,
            point_id,
            event_at,
            sequence_number,
            state_code,
            is_abnormal,
            is_commanded,
            priority,
            source_address,
            received_at,
            lost_count,
            last_value(is_abnormal ignore nulls) over before_row as was_abnormal,
            first_value(case when not is_abnormal then event_at end ignore nulls) over after_row
            as cleared_at,
            first_value(case when not is_abnormal then lost_count end ignore nulls) over after_row
            as cleared_lost_count,
            first_value(
                case when acknowledged_by is not null then event_at end ignore nulls
            ) over after_row as acknowledged_at,
            first_value(acknowledged_by ignore nulls) over after_row as acknowledged_by,
            first_value(
                case when command_type is not null then event_at end ignore nulls
            ) over after_row as commanded_at,
            first_value(command_type ignore nulls) over after_row as command_type,
            first_value(
                case when command_type is not null then operator_name end ignore nulls
            ) over after_row as operator_name,
            _load_id,
            _is_fallback
        from totalled
        window
            before_row as (
                partition by network_id, point_id
                order by event_at, sequence_number
                rows between unbounded preceding and 1 preceding
            ),
            after_row as (
                partition by network_id, point_id
                order by event_at, sequence_number
                rows between 1 following and unbounded following
            )
    ),
    -- An alarm starts where the point leaves its rest by itself; said again it is the same alarm,
    -- and so is what comes twice within a millisecond.
    activations as (
        select
            surrounded.network_id,
            surrounded.point_id,
            surrounded.event_at as started_at,
            surrounded.sequence_number,
            surrounded.state_code,
            surrounded.priority,
            surrounded.source_address,
            surrounded.received_at,
            cast(timezone(networks.time_zone, surrounded.event_at) as date) as local_date,
            surrounded.cleared_at,
            surrounded.acknowledged_at,
            surrounded.acknowledged_by,
            surrounded.commanded_at,
            surrounded.command_type,
            surrounded.operator_name,
            coalesce(surrounded.cleared_lost_count > surrounded.lost_count, false) as has_log_gap,
            surrounded._load_id,
            surrounded._is_fallback
        from surrounded
        inner join networks on surrounded.network_id = networks.network_id
        where
            surrounded.is_abnormal
            and not surrounded.is_commanded
            and not coalesce(surrounded.was_abnormal, false)
        qualify
            row_number() over (
                partition by surrounded.network_id, surrounded.point_id, surrounded.event_at
                order by surrounded.sequence_number
            )
            = 1
    ),
    -- How many follow within the time that makes them too many; what comes after the next alarm of
    -- the point answers that one.
    followed as (
        select
            network_id,
            point_id,
            started_at,
            sequence_number,
            state_code,
            priority,
            source_address,
            received_at,
            local_date,
            cleared_at,
            acknowledged_at
            <= coalesce(lead(started_at) over point_order, acknowledged_at) as is_acknowledged,
            acknowledged_at,
            acknowledged_by,
            commanded_at
            <= coalesce(lead(started_at) over point_order, commanded_at) as is_answered,
            commanded_at,
            command_type,
            operator_name,
            has_log_gap,
            count(*) over (
                partition by network_id, point_id
                order by started_at
                range
                    between current row and interval (
                        {{ var("chattering_seconds") }}
                    ) second following
            ) as point_count,
            count(*) over (
                partition by network_id
                order by started_at
                range
                    between current row and interval (
                        {{ var("alarm_flood_minutes") }}
                    ) minute following
            ) as network_count,
            _load_id,
            _is_fallback
        from activations
        window point_order as (partition by network_id, point_id order by started_at)
    ),
    facts as (
        select
            network_id,
            point_id,
            started_at,
            sequence_number,
            local_date,
            received_at,
            cleared_at,
            case when is_acknowledged then acknowledged_at end as acknowledged_at,
            case when is_answered then commanded_at end as commanded_at,
            state_code,
            cast(priority as integer) as priority,
            source_address,
            case when is_acknowledged then acknowledged_by end as acknowledged_by,
            case when is_answered then command_type end as command_type,
            case when is_answered then operator_name end as operator_name,
            date_diff('millisecond', started_at, cleared_at) / 1000.0 as duration_seconds,
            case
                when is_acknowledged
                then date_diff('millisecond', started_at, acknowledged_at) / 1000.0
            end as acknowledgement_seconds,
            count(*) over (partition by network_id, local_date) as alarm_count_day,
            bool_or(point_count >= {{ var("chattering_alarm_count") }}) over (
                partition by network_id, point_id
                order by
                    started_at
                    range between interval (
                        {{ var("chattering_seconds") }}
                    ) second preceding and current row
            ) as is_chattering,
            bool_or(network_count > {{ var("alarm_flood_count") }}) over (
                partition by network_id
                order by
                    started_at
                    range between interval (
                        {{ var("alarm_flood_minutes") }}
                    ) minute preceding and current row
            ) as is_in_flood,
            has_log_gap,
            _is_fallback as is_fallback,
            _load_id
        from followed
    )
select *
from facts
