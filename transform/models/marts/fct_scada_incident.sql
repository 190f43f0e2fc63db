with
    incidents as (select * from {{ ref("int_soc_incidents_deduplicated") }}),
    facts as (
        select
            network_id,
            incident_id,
            capture_id,
            started_at,
            coalesce(ended_at, started_at) as ended_at,
            attack_type,
            _load_id,
            _is_fallback as is_fallback
        from incidents
    )
select *
from facts
