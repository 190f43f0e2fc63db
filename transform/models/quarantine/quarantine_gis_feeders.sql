with
    feeders as (select * from {{ ref("stg_gis__feeders") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            feeder_id,
            substation_id,
            voltage_kv,
            rated_mw,
            length_km,
            overhead_share,
            vegetation_index,
            latitude,
            longitude,
            {{ quarantine_reason("gis_feeders") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from feeders
        where {{ quarantine_reason("gis_feeders") }} is not null
    )
select *
from quarantined
