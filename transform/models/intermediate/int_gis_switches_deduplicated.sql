with
    switches as (select * from {{ ref("stg_gis__switches") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            switch_id,
            feeder_id,
            switch_type,
            is_normally_open,
            is_remote_controlled,
            latitude,
            longitude,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from switches
        where {{ quarantine_reason("gis_switches") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("gis_switches") }}
                order by {{ latest_first("gis_switches") }}
            )
            = 1
    )
select *
from deduplicated
