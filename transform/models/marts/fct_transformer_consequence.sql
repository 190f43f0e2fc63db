with
    transformers as (select * from {{ ref("dim_transformers") }}),
    outages as (select * from {{ ref("fct_outage") }}),
    costs as (select * from {{ ref("ref_transformer_costs") }}),
    bands as (
        select
            rated_from_mva,
            lead(rated_from_mva) over (order by rated_from_mva) as rated_below_mva,
            replacement_cost_usd
        from costs
    ),
    -- Unplanned outages that name a transformer of the register, not those of fuses and lines.
    repairs as (
        select
            outages.network_id,
            cast(count(*) as integer) as repair_count,
            median(outages.duration_hours) as median_repair_hours
        from outages
        inner join
            transformers
            on outages.network_id = transformers.network_id
            and outages.asset_id = transformers.asset_id
        where not outages.is_planned and outages.duration_hours > 0
        group by outages.network_id
    ),
    expected as (
        select
            transformers.network_id,
            transformers.asset_id,
            transformers.customers_count,
            case
                when repairs.repair_count >= {{ var("repair_minimum_outages") }}
                then repairs.median_repair_hours
                else {{ var("transformer_repair_hours") }}
            end as expected_repair_hours,
            bands.replacement_cost_usd,
            transformers.is_fallback
        from transformers
        left join repairs on transformers.network_id = repairs.network_id
        left join
            bands
            on transformers.rated_mva >= bands.rated_from_mva
            and (transformers.rated_mva < bands.rated_below_mva or bands.rated_below_mva is null)
    ),
    facts as (
        select
            network_id,
            asset_id,
            customers_count,
            expected_repair_hours,
            customers_count * expected_repair_hours as customer_hours_out,
            replacement_cost_usd,
            customers_count * expected_repair_hours * {{ var("customer_hour_cost_usd") }}
            + coalesce(replacement_cost_usd, 0) as consequence_usd,
            is_fallback
        from expected
    )
select *
from facts
