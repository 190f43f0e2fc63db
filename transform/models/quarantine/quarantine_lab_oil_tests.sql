with
    tests as (select * from {{ ref("stg_lab__oil_tests") }}),
    -- The rejected rows, whole, with the first reason that held.
    quarantined as (
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
            {{ quarantine_reason("lab_oil_tests") }} as quarantine_reason,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback,
            _parse_error
        from tests
        where {{ quarantine_reason("lab_oil_tests") }} is not null
    )
select *
from quarantined
