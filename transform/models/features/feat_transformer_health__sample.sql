{% set amounts = [
    "hydrogen_ppm",
    "oxygen_ppm",
    "nitrogen_ppm",
    "methane_ppm",
    "carbon_monoxide_ppm",
    "carbon_dioxide_ppm",
    "ethylene_ppm",
    "ethane_ppm",
    "acetylene_ppm",
    "dbds_ppm",
    "power_factor_pct",
    "interfacial_tension_mn_m",
    "dielectric_strength_kv",
    "water_ppm",
] %}
{% set combustible = [
    "hydrogen",
    "methane",
    "acetylene",
    "ethylene",
    "ethane",
    "carbon_monoxide",
] %}

with
    tests as (select * from {{ ref("int_lab_oil_tests_deduplicated") }}),
    -- A negative amount is no measurement. A sample without a date is known since it was delivered.
    measured as (
        select
            network_id,
            sample_id,
            asset_id,
            coalesce(sampled_at, _ingested_at) as valid_at,
            {% for amount in amounts %}
                case when {{ amount }} >= 0 then {{ amount }} end as {{ amount }},
            {% endfor %}
            case when health_index between 0 and 100 then health_index end as health_index,
            _is_fallback as is_fallback
        from tests
    ),
    samples as (
        select
            network_id,
            sample_id,
            asset_id,
            valid_at,
            valid_at as available_at,
            {% for amount in amounts %} {{ amount }}, {% endfor %}
            {{ gas_ratio("acetylene", "ethylene") }} as acetylene_ethylene_ratio,
            {{ gas_ratio("methane", "hydrogen") }} as methane_hydrogen_ratio,
            {{ gas_ratio("ethylene", "ethane") }} as ethylene_ethane_ratio,
            {{ gas_ratio("carbon_dioxide", "carbon_monoxide") }} as carbon_dioxide_monoxide_ratio,
            {{ gas_ratio("oxygen", "nitrogen") }} as oxygen_nitrogen_ratio,
            round(
                {% for gas in combustible %}{{ gas }}_ppm {{ "+ " if not loop.last }} {% endfor %},
                9
            ) as tdcg_ppm,
            health_index,
            is_fallback
        from measured
    )
select *
from samples
