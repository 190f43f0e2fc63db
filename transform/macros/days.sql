{#-
    Models that are made by day. Rows of the days gridweave asks for are replaced, the others stay; without a word from
    gridweave (plain `dbt build`, the first time, other code) the model is made whole, which gives the same table.

        {{ config(materialized="incremental", incremental_strategy="days", pre_hook="{{ choose_days() }}") }}
        ... where {{ in_days("reading_date") }}

    The days stand in variables of the session, not in the SQL: what is executed, kept and replayed is one text, and
    where they are not set it makes the whole table. A whole table of many rows is made in chunks of days (chunks.sql).
-#}
{% macro in_days(column) -%}
    (
        (
            getvariable('days_to_make') is null
            or list_contains(getvariable('days_to_make'), {{ column }})
        )
        and {{ in_chunk(column) }}
    )
{%- endmacro %}

{#- Days to make of a model, from the variable that gridweave fills (flows/engine/planning/days.py); none: all of it. -#}
{% macro days_to_make(node) -%}
    {{- return(var("days", {}).get(asset_key_of(node))) -}}
{%- endmacro %}

{% macro day_list(days) -%}
    [{%- for day in days -%}date '{{ day }}' {{- ", " if not loop.last -}} {%- endfor -%}]::date[]
{%- endmacro %}

{% macro choose_days() -%}
    {%- set days = days_to_make(model) -%}
    set variable days_to_make = {{ "null" if days is none else day_list(days) }}
    ;
    {{- set_chunk(none, none) -}}
{%- endmacro %}

{#- dbt asks this whether an incremental model is to be made whole. -#}
{% macro should_full_refresh() -%}
    {%- if config.get("incremental_strategy") == "days" and days_to_make(model) is none -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- set configured = config.get("full_refresh") -%}
    {{- return(flags.FULL_REFRESH if configured is none else configured) -}}
{%- endmacro %}

{% macro get_incremental_days_sql(arguments) %}
    {%- set column = adapter.quote(model.config.meta.days.column) -%}
    delete from {{ arguments.target_relation }}
    where list_contains({{ day_list(days_to_make(model)) }}, cast({{ column }} as date))
    ;
    {#- Only these days, so that a model that forgot `in_days` is slow and not doubled. -#}
    insert into {{ arguments.target_relation }} by name
    select * from {{ arguments.temp_relation }}
    where list_contains({{ day_list(days_to_make(model)) }}, cast({{ column }} as date));
{% endmacro %}

{#- Condition of a test: the rows that this invocation made, of a model that is made by day. The others were tested then. -#}
{% macro in_days_made(relation, column) -%}
    {%- set days = var("days", {})[relation.schema ~ "/" ~ relation.identifier] -%}
    {{- "list_contains(" ~ day_list(days) ~ ", " ~ column ~ ")" if days is defined else "true" -}}
{%- endmacro %}
