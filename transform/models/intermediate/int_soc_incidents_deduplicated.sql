with
    incidents as (select * from {{ ref("stg_soc__incidents") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            incident_id,
            capture_id,
            started_at,
            ended_at,
            attack_type,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from incidents
        where {{ quarantine_reason("soc_incidents") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("soc_incidents") }}
                order by {{ latest_first("soc_incidents") }}
            )
            = 1
    )
select *
from deduplicated
