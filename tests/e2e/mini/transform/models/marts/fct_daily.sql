-- The days to make are replaced, others stay: variables hold them, validated by gridweave.
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where reading_date >= '{{ var('partition_start') }}'::timestamptz and reading_date < '{{ var('partition_end') }}'::timestamptz {% endif %}",
        meta={"partitions": {"kind": "daily", "start": "2026-03-01", "column": "reading_date"}},
    )
}}
select reading_date, sum(load_kw) as load_kwh, max(load_kw) as peak_kw
from {{ source("ml", "readings") }}
where
    reading_date >= '{{ var("partition_start", "1900-01-01") }}'::timestamptz
    and reading_date < '{{ var("partition_end", "2200-01-01") }}'::timestamptz
group by reading_date
