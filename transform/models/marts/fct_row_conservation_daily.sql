{{
    config(
        materialized="incremental",
        incremental_strategy="days",
        on_schema_change="fail",
        pre_hook="{{ choose_days() }}",
    )
}}

with
    delivered as (select * from {{ ref("stg_scada__transformer_readings") }}),
    clean as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    quarantined as (select * from {{ ref("quarantine_scada_transformer_readings") }}),
    superseded as (select * from {{ ref("int_scada_transformer_readings_superseded") }}),
    -- Used twice: put in line by DuckDB, it would read the files of all days.
    clean_keys as materialized(
        select network_id, asset_id, reading_at, reading_date, _load_id
        from clean
        where {{ in_days("reading_date") }}
    ),
    -- Only these days: joined as a whole, both would be hashed anew for each chunk of days.
    rejected_rows as (
        select network_id, asset_id, reading_at, reading_date, _load_id, _source_file, _source_row
        from quarantined
        where {{ in_days("reading_date") }}
    ),
    losing_rows as (
        select network_id, asset_id, reading_at, reading_date, _load_id, _source_file, _source_row
        from superseded
        where {{ in_days("reading_date") }}
    ),
    delivered_counts as (
        select
            reading_date,
            _load_id,
            min(_source) as source_name,
            count(*) as row_count_in,
            count(_parse_error) as row_count_parse_error,
            max(_ingested_at) as ingested_at,
            bool_or(_is_fallback) as is_fallback
        from delivered
        where {{ in_days("reading_date") }}
        group by reading_date, _load_id
    ),
    clean_counts as (
        select reading_date, _load_id, count(*) as row_count
        from clean_keys
        group by reading_date, _load_id
    ),
    quarantined_counts as (
        select reading_date, _load_id, count(*) as row_count
        from rejected_rows
        group by reading_date, _load_id
    ),
    -- Of the clean keys those that other rows lost: few, so the join with them is small.
    competing_keys as (
        select clean_keys.network_id, clean_keys.asset_id, clean_keys.reading_at
        from clean_keys
        semi join
            losing_rows
            on {{
                same_columns(
                    "clean_keys", "losing_rows", natural_key("scada_transformer_readings")
                )
            }}
    ),
    -- Counted for itself, not as a remainder: a row that lost, is not in quarantine, and whose key
    -- the clean rows do have.
    duplicate_counts as (
        select losing_rows.reading_date, losing_rows._load_id, count(*) as row_count
        from losing_rows
        anti join
            rejected_rows
            on {{ same_row("losing_rows", "rejected_rows", "scada_transformer_readings") }}
        semi join
            competing_keys
            on {{
                same_columns(
                    "losing_rows", "competing_keys", natural_key("scada_transformer_readings")
                )
            }}
        group by losing_rows.reading_date, losing_rows._load_id
    ),
    counted as (
        select
            'scada_transformer_readings' as raw_table,
            delivered_counts.reading_date,
            delivered_counts._load_id,
            delivered_counts.source_name,
            delivered_counts.ingested_at,
            delivered_counts.row_count_in,
            coalesce(clean_counts.row_count, 0) as row_count_clean,
            coalesce(quarantined_counts.row_count, 0) as row_count_quarantined,
            coalesce(duplicate_counts.row_count, 0) as row_count_duplicate,
            delivered_counts.row_count_parse_error,
            delivered_counts.is_fallback
        from delivered_counts
        left join
            clean_counts
            on delivered_counts.reading_date = clean_counts.reading_date
            and delivered_counts._load_id = clean_counts._load_id
        left join
            quarantined_counts
            on delivered_counts.reading_date = quarantined_counts.reading_date
            and delivered_counts._load_id = quarantined_counts._load_id
        left join
            duplicate_counts
            on delivered_counts.reading_date = duplicate_counts.reading_date
            and delivered_counts._load_id = duplicate_counts._load_id
    )
select *
from counted
