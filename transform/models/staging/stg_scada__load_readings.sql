with
    scada_load_readings as (select * from {{ source("raw", "scada_load_readings") }}),
    staged as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            upper(trim(quality_code)) as quality_code,
            received_at,
            operator_forecast_mw,
            published_flag_code,
            _parse_error is not null as has_parse_error,
            coalesce(
                interval_start_at
                > least(_ingested_at, received_at)
                + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            load_mw is null as is_load_missing,
            coalesce(load_mw <= 0, false) as is_load_non_positive,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from scada_load_readings
    )
select *
from staged
