with
    gis_substations as (select * from {{ source("raw", "gis_substations") }}),
    staged as (
        select
            network_id,
            substation_id,
            substation_name,
            station_id,
            primary_voltage_kv,
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
        from gis_substations
    )
select *
from staged
