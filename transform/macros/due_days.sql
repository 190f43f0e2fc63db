{# Days until a work order of a priority is due. #}
{% macro due_days(priority) -%}
    case
        {{ priority }}
        when 1
        then {{ var("urgent_due_days") }}
        when 2
        then {{ var("high_due_days") }}
        when 3
        then {{ var("raised_due_days") }}
        else {{ var("routine_due_days") }}
    end
{%- endmacro %}
