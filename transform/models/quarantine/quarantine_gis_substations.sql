with
    substations as (select * from {{ ref("stg_gis__substations") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            substation_id,
            substation_name,
            station_id,
            primary_voltage_kv,
            latitude,
            longitude,
            {{ quarantine_reason("gis_substations") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from substations
        where {{ quarantine_reason("gis_substations") }} is not null
    )
select *
from quarantined
