with
    counts as (select * from {{ ref("stg_cis__feeder_customers") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            feeder_id,
            customers_count,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from counts
        where {{ quarantine_reason("cis_feeder_customers") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("cis_feeder_customers") }}
                order by {{ latest_first("cis_feeder_customers") }}
            )
            = 1
    )
select *
from deduplicated
