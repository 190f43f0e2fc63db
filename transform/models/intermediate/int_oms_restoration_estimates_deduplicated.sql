with
    estimates as (select * from {{ ref("stg_oms__restoration_estimates") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            outage_id,
            started_at,
            estimated_restoration_at,
            issued_at,
            estimate_source,
            crew_status,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from estimates
        where {{ quarantine_reason("oms_restoration_estimates") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("oms_restoration_estimates") }}
                order by {{ latest_first("oms_restoration_estimates") }}
            )
            = 1
    )
select *
from deduplicated
