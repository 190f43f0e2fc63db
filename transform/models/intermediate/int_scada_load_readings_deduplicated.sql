with
    readings as (select * from {{ ref("stg_scada__load_readings") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            quality_code,
            received_at,
            operator_forecast_mw,
            published_flag_code,
            is_load_missing,
            is_load_non_positive,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from readings
        where {{ quarantine_reason("scada_load_readings") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("scada_load_readings") }}
                order by {{ latest_first("scada_load_readings") }}
            )
            = 1
    )
select *
from deduplicated
