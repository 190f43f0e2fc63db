with
    measurements as (select * from {{ ref("stg_scada__measurements") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            tag_id,
            measured_at,
            stamp_type,
            value_text,
            unit_code,
            quality_code,
            protocol,
            rtu_id,
            scan_class,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from measurements
        where {{ quarantine_reason("scada_measurements") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("scada_measurements") }}
                order by {{ latest_first("scada_measurements") }}
            )
            = 1
    )
select *
from deduplicated
