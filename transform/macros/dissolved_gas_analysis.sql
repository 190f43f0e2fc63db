{# Diagnosis of gases dissolved in oil: IEC 60599:2015, Duval triangle 1, IEEE C57.104-2008. Gases in ppm (uL/L). #}
{# Least amounts a laboratory can tell from nothing in service samples, ppm: IEC 60567:2011, table 5. #}
{% macro gas_detection_limit_ppm(gas) -%}
    {{ {"hydrogen": 5, "carbon_monoxide": 25, "carbon_dioxide": 25}.get(gas, 1) }}
{%- endmacro %}

{# Upper limits of conditions 1, 2 and 3, ppm: IEEE C57.104-2008, table 1; tdcg is total dissolved combustible gas. #}
{% macro gas_condition_limit_ppm(gas, condition) -%}
    {%- set limits = {
        "hydrogen": [100, 700, 1800],
        "methane": [120, 400, 1000],
        "acetylene": [1, 9, 35],
        "ethylene": [50, 100, 200],
        "ethane": [65, 100, 150],
        "carbon_monoxide": [350, 570, 1400],
        "carbon_dioxide": [2500, 4000, 10000],
        "tdcg": [720, 1920, 4630],
    } -%}
    {{- limits[gas][condition - 1] -}}
{%- endmacro %}

{# Condition of one gas, 1 normal to 4 worst; null when the gas was not measured. #}
{% macro gas_condition(gas) -%}
    cast(
        case
            when {{ gas }}_ppm > {{ gas_condition_limit_ppm(gas, 3) }}
            then 4
            when {{ gas }}_ppm > {{ gas_condition_limit_ppm(gas, 2) }}
            then 3
            when {{ gas }}_ppm > {{ gas_condition_limit_ppm(gas, 1) }}
            then 2
            when {{ gas }}_ppm is not null
            then 1
        end as integer
    )
{%- endmacro %}

{# Ratio of two gases; null when one was not measured or the divisor cannot be told from nothing. Rounded, so that a
   ratio on a border is on it. #}
{% macro gas_ratio(gas, divisor) -%}
    case
        when {{ divisor }}_ppm >= {{ gas_detection_limit_ppm(divisor) }}
        then round({{ gas }}_ppm / {{ divisor }}_ppm, 9)
    end
{%- endmacro %}

{# Why a ratio is null, or null. #}
{% macro gas_ratio_reason(gas, divisor) -%}
    case
        when {{ gas }}_ppm is null
        then '{{ gas.replace("_", " ") }} not measured'
        when {{ divisor }}_ppm is null
        then '{{ divisor.replace("_", " ") }} not measured'
        when {{ divisor }}_ppm < {{ gas_detection_limit_ppm(divisor) }}
        then '{{ divisor.replace("_", " ") }} below detection'
    end
{%- endmacro %}

{# IEC 60599 table 1 from the three ratios; D1 and D2 overlap there and both are named. Null when no case fits. #}
{% macro iec_60599_case(acetylene_ethylene, methane_hydrogen, ethylene_ethane) -%}
    case
        when {{ methane_hydrogen }} < 0.1 and {{ ethylene_ethane }} < 0.2
        then 'PD'
        when
            {{ acetylene_ethylene }} > 1
            and {{ acetylene_ethylene }} <= 2.5
            and {{ methane_hydrogen }} between 0.1 and 0.5
            and {{ ethylene_ethane }} > 2
        then 'D1/D2'
        when
            {{ acetylene_ethylene }} > 1
            and {{ methane_hydrogen }} between 0.1 and 0.5
            and {{ ethylene_ethane }} > 1
        then 'D1'
        when
            {{ acetylene_ethylene }} between 0.6 and 2.5
            and {{ methane_hydrogen }} between 0.1 and 1
            and {{ ethylene_ethane }} > 2
        then 'D2'
        when {{ methane_hydrogen }} > 1 and {{ ethylene_ethane }} < 1
        then 'T1'
        when
            {{ acetylene_ethylene }} < 0.1
            and {{ methane_hydrogen }} > 1
            and {{ ethylene_ethane }} between 1 and 4
        then 'T2'
        when
            {{ acetylene_ethylene }} < 0.2
            and {{ methane_hydrogen }} > 1
            and {{ ethylene_ethane }} > 4
        then 'T3'
    end
{%- endmacro %}

{# Zone of Duval triangle 1 from the shares of methane, ethylene and acetylene in their sum, %: IEC 60599, annex B. #}
{% macro duval_triangle_1_zone(methane_pct, ethylene_pct, acetylene_pct) -%}
    case
        when {{ methane_pct }} is null or {{ ethylene_pct }} is null or {{ acetylene_pct }} is null
        then null
        when {{ methane_pct }} >= 98
        then 'PD'
        when {{ acetylene_pct }} < 4 and {{ ethylene_pct }} < 20
        then 'T1'
        when {{ acetylene_pct }} < 4 and {{ ethylene_pct }} < 50
        then 'T2'
        when {{ acetylene_pct }} < 15 and {{ ethylene_pct }} >= 50
        then 'T3'
        when {{ acetylene_pct }} >= 13 and {{ ethylene_pct }} < 23
        then 'D1'
        when {{ acetylene_pct }} >= 13 and {{ ethylene_pct }} < 40
        then 'D2'
        when {{ acetylene_pct }} >= 29 and {{ ethylene_pct }} >= 40
        then 'D2'
        else 'DT'
    end
{%- endmacro %}
