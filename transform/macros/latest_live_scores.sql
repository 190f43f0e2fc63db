{# Filter for a scored table: the live rows of the last materialization of each network. Scores are appended by run, so
   older issues stay in the table for the audit. #}
{% macro is_live_score() -%} score_kind = 'live' {%- endmacro %}

{% macro is_last_materialization() -%}
    materialization_id = first_value(materialization_id) over (
        partition by network_id order by scored_at desc, materialization_id desc
    )
{%- endmacro %}

{# The columns that lead from a report row back to the run, the materialization and the model behind its score. #}
{% macro score_provenance(relation=none) -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    {{ prefix }}run_id,
    {{ prefix }}materialization_id,
    {{ prefix }}model_version,
    {{ prefix }}scored_at
{%- endmacro %}
