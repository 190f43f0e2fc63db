{#-
    A table made by day (days.sql) that is made whole is made in chunks of days, each with about `rows_at_once` rows of
    telemetry to read: memory stays bounded however long the history is, and nothing is written to disk in between.
    The first chunk is open to the past and the last to the future, so every row belongs to one of them.
-#}
{% macro duckdb__create_table_as(
    temporary,
    relation,
    compiled_code,
    language="sql",
    partitioned_by=none,
    sorted_by=none
) -%}
    {%- set starts = (
        chunk_starts(model)
        if not temporary and config.get("incremental_strategy") == "days"
        else []
    ) -%}
    {{- set_chunk(none, starts[0]) if starts -}}
    {{-
        dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by, sorted_by
        )
    -}}
    {%- for start in starts -%}
        {{- set_chunk(start, none if loop.last else starts[loop.index]) -}}
        insert into {{ relation }} by name ({{ compiled_code }});
    {%- endfor -%}
    {{- set_chunk(none, none) if starts -}}
{%- endmacro %}

{% macro set_chunk(start, end) -%}
    set variable chunk_start = {{ "null" if start is none else "date '" ~ start ~ "'" }}
    ;
    set variable chunk_end = {{ "null" if end is none else "date '" ~ end ~ "'" }}
    ;
{%- endmacro %}

{#- First day of each chunk but the first, from the ledger's log of days; none when there is no ledger or little to read. -#}
{% macro chunk_starts(node) -%}
    {%- set keys = raw_tables_by_day(node, []) | unique | list -%}
    {%- if not execute or not keys or adapter.get_relation(
        target.database, "lineage", "materialization_day"
    ) is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set starts -%}
        with
            days as (
                select distinct day
                from lineage.materialization_day
                where asset_key in ('{{ keys | join("', '") }}') and day is not null
            ),
            delivered as (
                select sum(row_count) as row_count
                from lineage.current_materialization
                where asset_key in ('{{ keys | join("', '") }}')
            ),
            cut as (
                select
                    days.day,
                    (row_number() over (order by days.day) - 1) // greatest(
                        cast(
                            {{ var("rows_at_once") }} * count(*) over ()
                            // greatest(delivered.row_count, 1) as bigint
                        ),
                        1
                    ) as chunk
                from days
                cross join delivered
            )
        select min(day) as day
        from cut
        where chunk > 0
        group by chunk
        order by day
    {%- endset -%}
    {{- return(run_query(starts).columns[0].values() | list) -}}
{%- endmacro %}

{#- Raw tables cut by day that a model is made from, through whatever models. -#}
{% macro raw_tables_by_day(node, found) -%}
    {%- for unique_id in node.depends_on.nodes -%}
        {%- set upstream = graph.sources.get(unique_id, graph.nodes.get(unique_id)) -%}
        {%- if unique_id in graph.sources and (upstream.config.meta or {}).get("days") -%}
            {%- do found.append(asset_key_of(upstream)) -%}
        {%- elif unique_id in graph.nodes -%} {%- do raw_tables_by_day(upstream, found) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}
