with
    tests as (select * from {{ ref("int_lab_oil_tests_deduplicated") }}),
    facts as (
        select
            network_id,
            sample_id,
            asset_id,
            sampled_at,
            hydrogen_ppm,
            oxygen_ppm,
            nitrogen_ppm,
            methane_ppm,
            carbon_monoxide_ppm,
            carbon_dioxide_ppm,
            ethylene_ppm,
            ethane_ppm,
            acetylene_ppm,
            dbds_ppm,
            power_factor_pct,
            interfacial_tension_mn_m,
            dielectric_strength_kv,
            water_ppm,
            health_index,
            life_expectancy_years,
            _is_fallback as is_fallback,
            _load_id
        from tests
    )
select *
from facts
