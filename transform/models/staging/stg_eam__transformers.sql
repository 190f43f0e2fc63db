with
    eam_transformers as (select * from {{ source("raw", "eam_transformers") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            retired_on is not null as is_retired,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from eam_transformers
    )
select *
from staged
