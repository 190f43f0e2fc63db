{# Regulator set point on the 120 V base: far-end minimum plus margin plus drop, within ANSI C84.1-2020 range A. #}
{% macro voltage_set_point_v(drop_v) -%}
    least(
        greatest(
            {{ var("minimum_voltage_v") }} + {{ var("voltage_margin_v") }} + {{ drop_v }},
            {{ var("minimum_voltage_v") }}
        ),
        {{ var("maximum_voltage_v") }}
    )
{%- endmacro %}
