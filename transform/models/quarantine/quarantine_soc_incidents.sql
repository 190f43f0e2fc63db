with
    incidents as (select * from {{ ref("stg_soc__incidents") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
        select
            network_id,
            incident_id,
            capture_id,
            started_at,
            ended_at,
            attack_type,
            {{ quarantine_reason("soc_incidents") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from incidents
        where {{ quarantine_reason("soc_incidents") }} is not null
    )
select *
from quarantined
