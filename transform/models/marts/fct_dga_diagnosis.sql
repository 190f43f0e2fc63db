{% set combustible = [
    "hydrogen",
    "methane",
    "acetylene",
    "ethylene",
    "ethane",
    "carbon_monoxide",
] %}
{% set gases = combustible + ["carbon_dioxide"] %}
{% set fault_gases = ["hydrogen", "methane", "acetylene", "ethylene", "ethane"] %}

with
    tests as (select * from {{ ref("int_lab_oil_tests_deduplicated") }}),
    -- A negative amount is no measurement.
    measured as (
        select
            network_id,
            sample_id,
            asset_id,
            sampled_at,
            {% for gas in gases %}
                case when {{ gas }}_ppm >= 0 then {{ gas }}_ppm end as {{ gas }}_ppm,
            {% endfor %}
            _is_fallback as is_fallback,
            _load_id
        from tests
    ),
    summed as (
        select
            network_id,
            sample_id,
            asset_id,
            sampled_at,
            {% for gas in gases %} {{ gas }}_ppm, {% endfor %}
            round(
                {% for gas in combustible %}{{ gas }}_ppm {{ "+ " if not loop.last }} {% endfor %},
                9
            ) as tdcg_ppm,
            nullif(methane_ppm + ethylene_ppm + acetylene_ppm, 0) as triangle_ppm,
            coalesce(
                {% for gas in fault_gases %}
                    {{ gas }}_ppm
                    > {{ gas_condition_limit_ppm(gas, 1) }} {{ "or " if not loop.last }}
                {% endfor %},
                false
            ) as has_fault_gas,
            is_fallback,
            _load_id
        from measured
    ),
    computed as (
        select
            network_id,
            sample_id,
            asset_id,
            sampled_at,
            {{ gas_ratio("acetylene", "ethylene") }} as acetylene_ethylene_ratio,
            {{ gas_ratio("methane", "hydrogen") }} as methane_hydrogen_ratio,
            {{ gas_ratio("ethylene", "ethane") }} as ethylene_ethane_ratio,
            concat_ws(
                '; ',
                {{ gas_ratio_reason("acetylene", "ethylene") }},
                {{ gas_ratio_reason("methane", "hydrogen") }},
                {{ gas_ratio_reason("ethylene", "ethane") }}
            ) as ratio_reason,
            round(100 * methane_ppm / triangle_ppm, 9) as methane_pct,
            round(100 * ethylene_ppm / triangle_ppm, 9) as ethylene_pct,
            round(100 * acetylene_ppm / triangle_ppm, 9) as acetylene_pct,
            {% for gas in gases %} {{ gas_condition(gas) }} as {{ gas }}_condition, {% endfor %}
            tdcg_ppm,
            {{ gas_condition("tdcg") }} as tdcg_condition,
            has_fault_gas,
            is_fallback,
            _load_id
        from summed
    ),
    -- Ratios and triangle are for oil in which something happened: with every gas at its normal
    -- level they would name a fault from noise.
    facts as (
        select
            network_id,
            sample_id,
            asset_id,
            sampled_at,
            acetylene_ethylene_ratio,
            methane_hydrogen_ratio,
            ethylene_ethane_ratio,
            case
                when has_fault_gas
                then
                    {{
                        iec_60599_case(
                            "acetylene_ethylene_ratio",
                            "methane_hydrogen_ratio",
                            "ethylene_ethane_ratio",
                        )
                    }}
            end as iec_60599_case,
            case
                when not has_fault_gas
                then 'no gas above condition 1'
                when
                    {{
                        iec_60599_case(
                            "acetylene_ethylene_ratio",
                            "methane_hydrogen_ratio",
                            "ethylene_ethane_ratio",
                        )
                    }} is null
                then coalesce(nullif(ratio_reason, ''), 'ratios outside every case')
            end as iec_60599_reason,
            methane_pct,
            ethylene_pct,
            acetylene_pct,
            case
                when has_fault_gas
                then {{ duval_triangle_1_zone("methane_pct", "ethylene_pct", "acetylene_pct") }}
            end as duval_zone,
            case
                when not has_fault_gas
                then 'no gas above condition 1'
                when methane_pct is null
                then 'methane, ethylene or acetylene not measured, or none of them found'
            end as duval_reason,
            {% for gas in gases %} {{ gas }}_condition, {% endfor %}
            tdcg_ppm,
            tdcg_condition,
            greatest(
                {% for gas in gases %}{{ gas }}_condition, {% endfor %} tdcg_condition
            ) as ieee_condition,
            case
                when tdcg_condition is null or carbon_dioxide_condition is null
                then 'a gas not measured: the worst of the others'
            end as ieee_reason,
            is_fallback,
            _load_id
        from computed
    )
select *
from facts
