{#-
    The log of days (lineage.materialization_day) of a model whose rows belong to days (`meta.days`): which days this
    materialization changed. Where a model is made by day, the version of the whole follows from that of its days: counts
    and sums of row hashes add up.
-#}
{% macro days_recorded(key) -%}
    {%- set is_declared = (model.config.meta or {}).get("days") -%}
    {%- set has_log = (
        is_declared
        and adapter.get_relation(target.database, "lineage", "materialization_day")
        is not none
    ) -%}
    {{- return(var("days", {}).get(key) if has_log else none) -}}
{%- endmacro %}

{% macro record_days(key, materialization_id, counted) %}
    {%- set declared = (model.config.meta or {}).get("days") -%}
    {%- if declared and adapter.get_relation(
        target.database, "lineage", "materialization_day"
    ) is not none -%}
        {%- set days = var("days", {}).get(key) -%}
        {%- if model.config.materialized == "view" -%}
            insert into lineage.materialization_day (materialization_id, asset_key, day)
            select {{ materialization_id }}, {{ text_literal(key) }}, unnest({{ "[null]::date[]" if days is none else day_list(days) }});
        {%- else -%}
            insert into lineage.materialization_day (materialization_id, asset_key, day, row_count, data_version)
            with
                made as (
                    select
                        cast({{ adapter.quote(declared.column) }} as date) as day,
                        count(*) as row_count,
                        'duckdb-hash-sum:' || count(*) || ':' || sum(hash({{ counted | join(", ") }})) as data_version
                    from {{ this }}
            {% if days is not none -%}
                        where list_contains({{ day_list(days) }}, cast({{ adapter.quote(declared.column) }} as date))
            {%- endif %}
                    group by all
                ),
                known as ({{ days_known(key) }})
            select
            {{ materialization_id }}, {{ text_literal(key) }}, coalesce(made.day, known.day),
                coalesce(made.row_count, 0), coalesce(made.data_version, 'duckdb-hash-sum:0:0')
            from made
            full join known on made.day is not distinct from known.day
            where coalesce(made.data_version, 'duckdb-hash-sum:0:0') is distinct from known.data_version
            {%- if days is not none %} and list_contains({{ day_list(days) }}, coalesce(made.day, known.day)) {%- endif %}
            {#- The first log: days that an earlier, unlogged table had and this one has not are not known, so it is all of them. #}
            union all
            select {{ materialization_id }}, {{ text_literal(key) }}, null, null, null
            where not exists (
                select 1 from lineage.materialization_day where asset_key = {{ text_literal(key) }}
            );
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#- Latest version of each day, and of the rows without one, before the materialization that is being recorded. -#}
{% macro days_known(key) -%}
    select d.day, arg_max(d.data_version, m.seq) as data_version
    from lineage.materialization_day as d
    inner join lineage.materialization as m on m.materialization_id = d.materialization_id
    where d.asset_key = {{ text_literal(key) }} and d.data_version is not null
    group by d.day
{%- endmacro %}

{#- Version of a table of which only some days were made anew. -#}
{% macro content_of_days(key, materialization_id) -%}
    change as (
        select
            sum(
                split_part(made.data_version, ':', 2)::hugeint
                - coalesce(split_part(known.data_version, ':', 2)::hugeint, 0)
            ) as row_count,
            sum(
                split_part(made.data_version, ':', 3)::hugeint
                - coalesce(split_part(known.data_version, ':', 3)::hugeint, 0)
            ) as total
        from lineage.materialization_day as made
        left join ({{ days_known(key) }}) as known on made.day = known.day
        where made.materialization_id = {{ materialization_id }}
    ),
    content as (
        select
            'duckdb-hash-sum:'
            || (split_part(before.data_version, ':', 2)::hugeint + coalesce(change.row_count, 0))
            || ':'
            || (
                split_part(before.data_version, ':', 3)::hugeint + coalesce(change.total, 0)
            ) as data_version,
            (
                split_part(before.data_version, ':', 2)::hugeint + coalesce(change.row_count, 0)
            )::bigint as row_count,
            null::json as column_versions
        from lineage.current_materialization as before
        cross join change
        where before.asset_key = {{ text_literal(key) }} and before.partition_key = ''
    )
{%- endmacro %}
