{#- Names shared by the lineage hooks. -#}
{% macro asset_key_of(node) -%}
    {{- return(node.schema ~ "/" ~ (node.identifier or node.alias or node.name)) -}}
{%- endmacro %}

{% macro asset_key_of_id(unique_id) -%}
    {{-
        return(
            asset_key_of(
                graph.sources[unique_id]
                if unique_id in graph.sources
                else graph.nodes[unique_id]
            )
        )
    -}}
{%- endmacro %}

{% macro text_literal(text) -%}
    {{- return("'" ~ (text | string | replace("'", "''")) ~ "'") -}}
{%- endmacro %}

{#- The run everything belongs to: gridweave's own, or this invocation when a person runs plain dbt. -#}
{% macro lineage_run_id() -%}
    {{- return(env_var("GRIDWEAVE_RUN_ID", invocation_id)) -}}
{%- endmacro %}

{#- False when the ledger was never made (dbt on a bare file), and when nothing is written. -#}
{% macro is_lineage_on() -%}
    {%- if not execute or flags.WHICH not in ["build", "run", "seed", "snapshot", "test"] -%}
        {{- return(false) -}}
    {%- endif -%}
    {{- return(adapter.get_relation(target.database, "lineage", "materialization") is not none) -}}
{%- endmacro %}

{#- The asset a test guards: the node it is attached to, else the first thing it reads. -#}
{% macro asset_key_of_test(node) -%}
    {%- set unique_id = node.attached_node or (node.depends_on.nodes | first) -%}
    {{- return(asset_key_of_id(unique_id) if unique_id else none) -}}
{%- endmacro %}

{#- Sources are released by their gate, when they land; tests on them report. -#}
{% macro is_test_of_source(node) -%}
    {{- return((node.attached_node or (node.depends_on.nodes | first)) in graph.sources) -}}
{%- endmacro %}
