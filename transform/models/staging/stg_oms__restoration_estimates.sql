with
    oms_restoration_estimates as (select * from {{ source("raw", "oms_restoration_estimates") }}),
    staged as (
        select
            network_id,
            outage_id,
            started_at,
            estimated_restoration_at,
            issued_at,
            lower(estimate_source) as estimate_source,
            lower(crew_status) as crew_status,
            _parse_error is not null as has_parse_error,
            coalesce(
                issued_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from oms_restoration_estimates
    )
select *
from staged
