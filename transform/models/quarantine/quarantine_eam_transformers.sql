with
    transformers as (select * from {{ ref("stg_eam__transformers") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
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
            {{ quarantine_reason("eam_transformers") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from transformers
        where {{ quarantine_reason("eam_transformers") }} is not null
    )
select *
from quarantined
