{# The grain of a model: no key column is null and no two rows share the key. Returns the keys that break it. Of a model
   that is made by day, `day_column` is part of the key, and only the days just made are looked at. #}
{% test unique_grain(model, columns, day_column=none) %}
    select {{ columns | join(", ") }}, count(*) as row_count
    from {{ model }}
    {% if day_column -%} where {{ in_days_made(model, day_column) }} {%- endif %}
    group by {{ columns | join(", ") }}
    having count(*) > 1 {%- for column in columns %} or bool_or({{ column }} is null) {%- endfor %}
{% endtest %}
