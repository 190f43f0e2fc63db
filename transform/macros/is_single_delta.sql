{# Ruggles et al. 2020, single delta: a step beyond 5 local and 15 relative inter-quartile ranges. `side` is previous or
   next. #}
{% macro is_single_delta(side) -%}
    coalesce(
        abs(neighboured.load_mw - neighboured.{{ side }}_load_mw)
        > {{ var("load_single_delta_iqr") }} * neighboured.step_iqr_mw
        and abs(neighboured.relative_load - neighboured.{{ side }}_relative_load)
        > {{ var("load_single_delta_relative_iqr") }} * series_spreads.relative_step_iqr
        and neighboured.deviation >= neighboured.{{ side }}_deviation,
        false
    )
{%- endmacro %}
