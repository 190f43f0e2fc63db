{# Crews that repairs of so many hours keep busy for a shift. #}
{% macro crews_for(repair_hours) -%}
    {{ repair_hours }} / {{ var("crew_shift_hours") }}
{%- endmacro %}
