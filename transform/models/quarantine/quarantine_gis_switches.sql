with
    switches as (select * from {{ ref("stg_gis__switches") }}),
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
            {{ quarantine_reason("gis_switches") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from switches
        where {{ quarantine_reason("gis_switches") }} is not null
    )
select *
from quarantined
