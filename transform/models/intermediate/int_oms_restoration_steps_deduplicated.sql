with
    restoration_steps as (select * from {{ ref("stg_oms__restoration_steps") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            outage_id,
            started_at,
            step_number,
            restored_at,
            customers_restored_count,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from restoration_steps
        where {{ quarantine_reason("oms_restoration_steps") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("oms_restoration_steps") }}
                order by {{ latest_first("oms_restoration_steps") }}
            )
            = 1
    )
select *
from deduplicated
