with
    conservation as (select * from {{ ref("fct_row_conservation") }}),
    load_readings as (select * from {{ ref("fct_load") }}),
    transformer_days as (select * from {{ ref("fct_transformer_daily") }}),
    flagged as (
        select
            'scada_load_readings' as raw_table,
            count(flag_code) as flagged_count,
            count(*) filter (where is_imputed) as imputed_count
        from load_readings
        union all
        select
            'scada_transformer_readings' as raw_table,
            cast(
                coalesce(
                    sum(reading_count - good_reading_count + spike_count + unit_slip_count), 0
                ) as bigint
            ) as flagged_count,
            0 as imputed_count
        from transformer_days
    ),
    summed as (
        select
            raw_table,
            cast(count(*) as integer) as load_count,
            cast(sum(row_count_in) as bigint) as row_count_in,
            cast(sum(row_count_clean) as bigint) as row_count_clean,
            cast(sum(row_count_quarantined) as bigint) as row_count_quarantined,
            cast(sum(row_count_duplicate) as bigint) as row_count_duplicate,
            max(ingested_at) as last_ingested_at,
            bool_and(is_balanced) as is_balanced,
            bool_or(is_fallback) as is_fallback
        from conservation
        group by raw_table
    ),
    report as (
        select
            summed.raw_table,
            summed.load_count,
            summed.last_ingested_at,
            summed.row_count_in,
            summed.row_count_clean,
            summed.row_count_quarantined,
            summed.row_count_duplicate,
            coalesce(flagged.flagged_count, 0) as flagged_count,
            coalesce(flagged.imputed_count, 0) as imputed_count,
            100.0
            * summed.row_count_quarantined
            / nullif(summed.row_count_in, 0) as quarantined_pct,
            summed.is_balanced,
            summed.is_fallback
        from summed
        left join flagged on summed.raw_table = flagged.raw_table
    )
select *
from report
