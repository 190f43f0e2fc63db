{# Priority of a transformer by its probability of failure within 28 days: 1 urgent to 4 routine. #}
{% macro failure_priority(failure_probability) -%}
    cast(
        case
            when {{ failure_probability }} >= {{ var("urgent_failure_probability") }}
            then 1
            when {{ failure_probability }} >= {{ var("high_failure_probability") }}
            then 2
            when {{ failure_probability }} >= {{ var("raised_failure_probability") }}
            then 3
            else 4
        end as integer
    )
{%- endmacro %}

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
