with
    lab_oil_tests as (select * from {{ source("raw", "lab_oil_tests") }}),
    staged as (
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
            _parse_error is not null as has_parse_error,
            coalesce(
                sampled_at > _ingested_at + interval ({{ var("future_tolerance_hours") }}) hour,
                false
            ) as is_in_future,
            _load_id,
            _source,
            _source_file,
            _source_row,
            _ingested_at,
            _parse_error,
            _is_fallback
        from lab_oil_tests
    )
select *
from staged
