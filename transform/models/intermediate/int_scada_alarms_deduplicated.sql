with
    alarms as (select * from {{ ref("stg_scada__alarms") }}),
    judged as (
        select
            network_id,
            sequence_number,
            event_at,
            point_id,
            state_code,
            priority,
            acknowledged_by,
            operator_name,
            command_type,
            cause_of_transmission,
            source_address,
            received_at,
            is_abnormal,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            {{ quarantine_reason("scada_alarms") }} as quarantine_reason
        from alarms
    ),
    -- Of rows with one key the first logged stays: sent again, a row says nothing new.
    singled as (
        select
            network_id,
            sequence_number,
            event_at,
            point_id,
            state_code,
            priority,
            acknowledged_by,
            operator_name,
            command_type,
            cause_of_transmission,
            source_address,
            received_at,
            is_abnormal,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            quarantine_reason
        from judged
        qualify
            row_number() over (
                partition by {{ natural_key("scada_alarms") }}, quarantine_reason is null
                order by {{ latest_first("scada_alarms") }}
            )
            = 1
    ),
    -- A row set aside was still counted by the log, so it is no gap.
    stepped as (
        select
            network_id,
            sequence_number,
            event_at,
            point_id,
            state_code,
            priority,
            acknowledged_by,
            operator_name,
            command_type,
            cause_of_transmission,
            source_address,
            received_at,
            is_abnormal,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            quarantine_reason,
            sequence_number - lag(sequence_number) over (
                partition by network_id, _source
                order by coalesce(received_at, event_at), sequence_number
            ) as sequence_step
        from singled
    ),
    deduplicated as (
        select
            network_id,
            sequence_number,
            event_at,
            point_id,
            state_code,
            priority,
            acknowledged_by,
            operator_name,
            command_type,
            cause_of_transmission,
            source_address,
            received_at,
            is_abnormal,
            case when sequence_step > 1 then sequence_step - 1 else 0 end as missing_row_count,
            coalesce(sequence_step < 0, false) as is_sequence_restarted,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from stepped
        where quarantine_reason is null
    )
select *
from deduplicated
