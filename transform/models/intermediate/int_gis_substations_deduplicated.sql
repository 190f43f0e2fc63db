with
    substations as (select * from {{ ref("stg_gis__substations") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            substation_id,
            substation_name,
            station_id,
            primary_voltage_kv,
            latitude,
            longitude,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from substations
        where {{ quarantine_reason("gis_substations") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("gis_substations") }}
                order by {{ latest_first("gis_substations") }}
            )
            = 1
    )
select *
from deduplicated
