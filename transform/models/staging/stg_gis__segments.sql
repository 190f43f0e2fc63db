with
    gis_segments as (select * from {{ source("raw", "gis_segments") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from gis_segments
    )
select *
from staged
