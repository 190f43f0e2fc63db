with
    scada_alarms as (select * from {{ source("raw", "scada_alarms") }}),
    staged as (
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
            case
                when upper(state_code) in ('{{ var("alarm_states") | join("', '") }}')
                then true
                when upper(state_code) in ('{{ var("rest_states") | join("', '") }}')
                then false
            end as is_abnormal,
            coalesce(
                upper(state_code)
                not in ('{{ (var("alarm_states") + var("rest_states")) | join("', '") }}'),
                false
            ) as is_state_undefined,
            _parse_error is not null as has_parse_error,
            coalesce(
                event_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour, false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from scada_alarms
    )
select *
from staged
