with
    feeders as (select * from {{ ref("stg_gis__feeders") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from feeders
        where {{ quarantine_reason("gis_feeders") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("gis_feeders") }}
                order by {{ latest_first("gis_feeders") }}
            )
            = 1
    )
select *
from deduplicated
