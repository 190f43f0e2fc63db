{# Filter for a scored table: the live rows of the last materialization of each network. Scores are appended by run, so
   older issues stay in the table for the audit. #}
{% macro is_live_score() -%} score_kind = 'live' {%- endmacro %}

{% macro is_last_materialization() -%}
    materialization_id = first_value(materialization_id) over (
        partition by network_id order by scored_at desc, materialization_id desc
    )
{%- endmacro %}
