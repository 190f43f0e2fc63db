with
    segments as (select * from {{ ref("stg_gis__segments") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from segments
        where {{ quarantine_reason("gis_segments") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("gis_segments") }}
                order by {{ latest_first("gis_segments") }}
            )
            = 1
    )
select *
from deduplicated
