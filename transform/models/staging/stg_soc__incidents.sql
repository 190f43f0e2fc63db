with
    soc_incidents as (select * from {{ source("raw", "soc_incidents") }}),
    staged as (
        select
            network_id,
            incident_id,
            capture_id,
            started_at,
            ended_at,
            attack_type,
            _parse_error is not null as has_parse_error,
            coalesce(
                started_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from soc_incidents
    )
select *
from staged
