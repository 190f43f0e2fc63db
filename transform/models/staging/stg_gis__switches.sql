with
    gis_switches as (select * from {{ source("raw", "gis_switches") }}),
    staged as (
        select
            network_id,
            switch_id,
            feeder_id,
            switch_type,
            is_normally_open,
            is_remote_controlled,
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
        from gis_switches
    )
select *
from staged
