with
    transformer_days as (select * from {{ ref("fct_transformer_daily") }}),
    transformers as (select * from {{ ref("dim_transformers") }}),
    last_days as (
        select network_id, asset_id, max(reading_date) as last_reading_date
        from transformer_days
        group by network_id, asset_id
    ),
    mean_recent as (
        select
            transformer_days.network_id,
            transformer_days.asset_id,
            max(last_days.last_reading_date) as last_reading_date,
            {{ exact_mean("transformer_days.mean_ageing_factor") }} as mean_ageing_factor_365d,
            bool_or(transformer_days.is_fallback) as is_fallback
        from transformer_days
        inner join
            last_days
            on transformer_days.network_id = last_days.network_id
            and transformer_days.asset_id = last_days.asset_id
            and transformer_days.reading_date
            > last_days.last_reading_date - {{ var("ageing_history_days") }}
        group by transformer_days.network_id, transformer_days.asset_id
    ),
    aged as (
        select
            mean_recent.network_id,
            mean_recent.asset_id,
            mean_recent.last_reading_date,
            mean_recent.mean_ageing_factor_365d,
            date_diff('day', transformers.installed_on, mean_recent.last_reading_date)
            / 365.25 as age_years,
            {{ var("normal_insulation_life_hours") }} / (24 * 365.25) as normal_life_years,
            mean_recent.is_fallback or transformers.is_fallback as is_fallback
        from mean_recent
        inner join
            transformers
            on mean_recent.network_id = transformers.network_id
            and mean_recent.asset_id = transformers.asset_id
    ),
    -- Nobody has measured the years before: they are taken to have been like the last one.
    facts as (
        select
            network_id,
            asset_id,
            last_reading_date,
            mean_ageing_factor_365d,
            case
                when age_years is not null and mean_ageing_factor_365d is not null
                then
                    round(
                        least(100, 100 * age_years * mean_ageing_factor_365d / normal_life_years), 6
                    )
            end as life_used_pct,
            -- greatest and least skip nulls: what is not known must not become a life of nothing
            case
                when age_years is not null and mean_ageing_factor_365d > 0
                then
                    round(
                        least(
                            {{ var("remaining_life_maximum_years") }},
                            greatest(0, normal_life_years / mean_ageing_factor_365d - age_years)
                        ),
                        6
                    )
            end as remaining_insulation_life_years,
            is_fallback
        from aged
    )
select *
from facts
