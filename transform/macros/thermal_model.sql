{# IEEE C57.91-2011, clause 7, steady state. The load share is load over nameplate rating. #}
{# Rise of the top oil over ambient, K: dTO,R * ((K^2 R + 1) / (R + 1))^n. #}
{% macro top_oil_rise_k(load_share, rated_rise_k) -%}
    {{ rated_rise_k }} * pow(
        (pow({{ load_share }}, 2) * {{ var("loss_ratio") }} + 1) / ({{ var("loss_ratio") }} + 1),
        {{ var("oil_exponent") }}
    )
{%- endmacro %}

{# Rise of the hot spot over the top oil, K: dH,R * K^(2m). #}
{% macro hot_spot_rise_k(load_share) -%}
    {{ var("rated_hot_spot_rise_k") }} * pow({{ load_share }}, 2 * {{ var("winding_exponent") }})
{%- endmacro %}

{# Ageing acceleration factor, 1 at 110 degC: exp(15000 / 383 - 15000 / (hot spot + 273)). #}
{% macro ageing_factor(hot_spot_degc) -%}
    exp(15000.0 / 383 - 15000.0 / ({{ hot_spot_degc }} + 273))
{%- endmacro %}

{# Loss of life over a time, % of normal life, from the mean ageing factor F_EQA of it: F_EQA * t * 100 / normal life. #}
{% macro loss_of_life_pct(equivalent_ageing_factor, hours) -%}
    {{ equivalent_ageing_factor }} * {{ hours }} * 100 / {{ var("normal_insulation_life_hours") }}
{%- endmacro %}

{# True when an oil temperature is far above what load and weather explain, but close when read as degF. Only where
   nothing explains it does the limit decide: oil beyond it that load and weather do explain is an overload, no slip. #}
{% macro is_degf(measured_degc, expected_degc) -%}
    coalesce(
        {{ measured_degc }} - {{ expected_degc }} > {{ var("unit_slip_residual_k") }}
        and abs(({{ measured_degc }} - 32) / 1.8 - {{ expected_degc }})
        < {{ var("unit_slip_match_k") }},
        {{ measured_degc }} > {{ var("top_oil_maximum_degc") }},
        false
    )
{%- endmacro %}

{# True when a block of oil temperatures is in degF. #}
{% macro is_degf_block() -%}
    {{ is_degf("measured_top_oil_degc", "expected_top_oil_temperature_degc") }}
{%- endmacro %}
