with
    segments as (select * from {{ ref("stg_gis__segments") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            segment_id,
            feeder_id,
            from_node_id,
            to_node_id,
            length_m,
            placement_type,
            conductor_type,
            phase_count,
            protective_device_id,
            customers_count,
            {{ quarantine_reason("gis_segments") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from segments
        where {{ quarantine_reason("gis_segments") }} is not null
    )
select *
from quarantined
