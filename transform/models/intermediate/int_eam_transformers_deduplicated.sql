with
    transformers as (select * from {{ ref("stg_eam__transformers") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            asset_id,
            substation_id,
            feeder_id,
            manufacturer,
            rated_mva,
            rated_top_oil_rise_k,
            cooling_code,
            installed_on,
            retired_on,
            latitude,
            longitude,
            updated_at,
            is_retired,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from transformers
        where {{ quarantine_reason("eam_transformers") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("eam_transformers") }}
                order by {{ latest_first("eam_transformers") }}
            )
            = 1
    )
select *
from deduplicated
