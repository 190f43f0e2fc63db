with
    tests as (select * from {{ ref("fct_oil_test") }}),
    diagnoses as (select * from {{ ref("fct_dga_diagnosis") }}),
    -- A negative result says that nothing was measured; the rise is over the last one that was.
    measured as (
        select
            network_id,
            asset_id,
            sample_id,
            sampled_at,
            case when acetylene_ppm >= 0 then acetylene_ppm end as acetylene_ppm,
            is_fallback
        from tests
    ),
    -- Only tests that name their transformer and their day can be put in order.
    ordered as (
        select
            network_id,
            asset_id,
            sample_id,
            sampled_at,
            acetylene_ppm,
            acetylene_ppm - lag(acetylene_ppm ignore nulls) over unit_order as acetylene_change_ppm,
            row_number() over (
                partition by network_id, asset_id order by sampled_at desc, sample_id desc
            ) as recency,
            is_fallback
        from measured
        where asset_id is not null and sampled_at is not null
        window unit_order as (partition by network_id, asset_id order by sampled_at, sample_id)
    ),
    facts as (
        select
            ordered.network_id,
            ordered.asset_id,
            ordered.sample_id,
            ordered.sampled_at,
            ordered.acetylene_ppm,
            ordered.acetylene_change_ppm,
            -- Duval names a fault for every gas above condition 1; the ratios often name none.
            coalesce(diagnoses.duval_zone, diagnoses.iec_60599_case) as dga_fault,
            diagnoses.ieee_condition,
            ordered.is_fallback or coalesce(diagnoses.is_fallback, false) as is_fallback
        from ordered
        left join
            diagnoses
            on ordered.network_id = diagnoses.network_id
            and ordered.sample_id = diagnoses.sample_id
        where ordered.recency = 1
    )
select *
from facts
