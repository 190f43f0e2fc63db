with
    gis_feeders as (select * from {{ source("raw", "gis_feeders") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from gis_feeders
    )
select *
from staged
