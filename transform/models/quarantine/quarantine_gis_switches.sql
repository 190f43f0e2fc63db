with
    switches as (select * from {{ ref("stg_gis__switches") }}),
    judged as (
        select
            network_id,
            switch_id,
            feeder_id,
            switch_type,
            is_normally_open,
            is_remote_controlled,
            latitude,
            longitude,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error,
            {{ quarantine_reason("gis_switches") }} as quarantine_reason
        from switches
    ),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            switch_id,
            feeder_id,
            switch_type,
            is_normally_open,
            is_remote_controlled,
            latitude,
            longitude,
            quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from judged
        where quarantine_reason is not null
    )
select *
from quarantined
