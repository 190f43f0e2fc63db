with
    tests as (select * from {{ ref("stg_lab__oil_tests") }}),
    -- Rows the quarantine holds are out; of rows with one key the latest stays.
    deduplicated as (
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
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _is_fallback
        from tests
        where {{ quarantine_reason("lab_oil_tests") }} is null
        qualify
            row_number() over (
                partition by {{ natural_key("lab_oil_tests") }}
                order by {{ latest_first("lab_oil_tests") }}
            )
            = 1
    )
select *
from deduplicated
