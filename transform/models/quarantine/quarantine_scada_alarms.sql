with
    alarms as (select * from {{ ref("stg_scada__alarms") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
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
            {{ quarantine_reason("scada_alarms") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from alarms
        where {{ quarantine_reason("scada_alarms") }} is not null
    )
select *
from quarantined
