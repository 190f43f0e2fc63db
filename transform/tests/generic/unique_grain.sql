{# The grain of a model: no key column is null and no two rows share the key. Returns the keys that break it. #}
{% test unique_grain(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as row_count
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1 {%- for column in columns %} or bool_or({{ column }} is null) {%- endfor %}
{% endtest %}
