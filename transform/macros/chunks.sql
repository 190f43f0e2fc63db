{#-
    A table made by day (days.sql) that is made whole is made in chunks of days, each with about `rows_at_once` rows of
    telemetry to read: memory stays bounded however long the history is, and nothing is written to disk in between.
    The first chunk is open to the past and takes what has no day, the last is open to the future: every row is in one.
    A chunk is cut out of whatever the model gives, so one that forgot `in_days` is slow and not multiplied.
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
    {%- set chunk_code = chunk_of(compiled_code) if starts else compiled_code -%}
    {%- set is_by_day = config.get("incremental_strategy") == "days" -%}
    {{- keep_join_sides() if is_by_day -}}
    {{- set_chunk(none, starts[0]) if starts -}}
    {{-
        dbt.duckdb__create_table_as(
            temporary, relation, chunk_code, language, partitioned_by, sorted_by
        )
    -}}
    {%- for start in starts -%}
        {{- keep_join_sides() -}}
        {{- set_chunk(start, none if loop.last else starts[loop.index]) -}}
        insert into {{ relation }} by name ({{ chunk_code }});
    {%- endfor -%}
    {{- set_chunk(none, none) if starts -}}
    {{- "; " ~ choose_join_sides() if is_by_day -}}
{%- endmacro %}

{#-
    Once a condition on their names left files out, DuckDB 2.0 takes what it reads of the others for one row, and hashes
    all readings to join them with a small table: twice the CPU, and memory that grows with the readings. So the sides
    stay as they are written, large left. The setting is the instance's: it is given back at once, and set again for
    each chunk, because a model made beside this one gives it back, too.
-#}
{% macro keep_join_sides() -%}
    set disabled_optimizers = 'build_side_probe_side'
    ;
{%- endmacro %}

{% macro choose_join_sides() -%}
    reset disabled_optimizers
    ;
{%- endmacro %}

{% macro chunk_of(compiled_code) -%}
    {%- set day = "cast(" ~ adapter.quote(model.config.meta.days.column) ~ " as date)" -%}
    select *
    from ({{ compiled_code }}) as made
    where {{ in_chunk(day) }}
{%- endmacro %}

{% macro in_chunk(column) -%}
    (
        (
            getvariable('chunk_start') is null
            or coalesce({{ column }} >= getvariable('chunk_start'), false)
        )
        and (
            getvariable('chunk_end') is null
            or coalesce({{ column }} < getvariable('chunk_end'), true)
        )
    )
{%- endmacro %}

{% macro set_chunk(start, end) -%}
    set variable chunk_start = {{ "null" if start is none else "date '" ~ start ~ "'" }}
    ;
    set variable chunk_end = {{ "null" if end is none else "date '" ~ end ~ "'" }}
    ;
{%- endmacro %}

{#-
    First day of each chunk but the first, from the ledger's log of days; none when there is no ledger, little to read, or
    when the log does not tell the days of all loads (those of an earlier release are not cut by day).
-#}
{% macro chunk_starts(node) -%}
    {%- set keys = raw_tables_by_day(node, []) | unique | list -%}
    {%- if not execute or not keys or adapter.get_relation(
        target.database, "lineage", "materialization_day"
    ) is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set starts -%}
        with
            logged as (
                select materialization_id, day
                from lineage.materialization_day
                where asset_key in ('{{ keys | join("', '") }}')
            ),
            told as (
                select materialization_id
                from logged
                group by materialization_id
                having bool_or(day is null) and bool_or(day is not null)
            ),
            days as (
                select distinct day
                from logged
                where day is not null and exists (select 1 from told)
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
