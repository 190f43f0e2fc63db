{# Crews that a number of outages keeps busy for a shift. #}
{% macro crews_for(outage_count) -%}
    {{ outage_count }} * {{ var("repair_hours") }} / {{ var("crew_shift_hours") }}
{%- endmacro %}
