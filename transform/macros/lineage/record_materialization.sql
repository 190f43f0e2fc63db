{#-
    Post-hook of every model, seed and snapshot: the ledger entry is written in the transaction that makes the table, so
    there is never a table without its lineage or the other way round, also when a person runs plain `dbt build`.

    The content hash must stay equal to flows/warehouse/content.py (a test compares them).
-#}
{% macro record_materialization() %}
    {%- if is_lineage_on() and partitions_made() -%} {{ record_partitions() }}
    {%- elif is_lineage_on() -%}
        {%- set key = asset_key_of(model) -%}
        {%- set materialization_id = "md5('" ~ invocation_id ~ model.unique_id ~ "')::uuid" -%}
        {%- set upstream_keys = [] -%}
        {%- for unique_id in model.depends_on.nodes -%}
            {%- do upstream_keys.append(text_literal(asset_key_of_id(unique_id))) -%}
        {%- endfor -%}
        {%- set source_text = text_literal(model.raw_code or model.checksum.checksum) -%}
        {%- set days = days_recorded(key) -%}
        {{- keep_executed_sql() -}}
        {{- record_days(key, materialization_id, counted_columns(this)) -}}
        insert into lineage.materialization_input
            (materialization_id, input_materialization_id, upstream_key, upstream_partition, upstream_data_version)
        select {{ materialization_id }}, materialization_id, asset_key, partition_key, data_version
        from lineage.current_materialization
        where asset_key in ({{ upstream_keys | join(", ") or "null" }});

        insert or ignore into lineage.asset_definition
        select {{ text_literal(key) }}, 'sha256:' || sha256({{ source_text }}), 'dbt', {{ text_literal(model.original_file_path) }},
        {{ source_text }}, null, {{ lineage_now() }}
        where not exists (
            select 1 from lineage.asset_definition
            where asset_key = {{ text_literal(key) }} and source_text = {{ source_text }}
        ) and {{ present_code_version(key, source_text) }} is null;

        insert into lineage.materialization
            (materialization_id, asset_key, run_id, code_version, data_version, logical_version, event_kind,
             row_count, column_schema, metadata, valid_from, recorded_at)
        with
            code as (
                select coalesce({{ present_code_version(key, source_text) }}, arg_max(code_version, valid_from)) as code_version
                from lineage.asset_definition
                where asset_key = {{ text_literal(key) }} and source_text = {{ source_text }}
            ),
            inputs as (
                select coalesce(string_agg(upstream_key || '=' || upstream_data_version, ';' order by upstream_key, upstream_partition), '') as versions
                from lineage.materialization_input
                where materialization_id = {{ materialization_id }}
            ),
        {% if days is not none and model.config.materialized != "view" -%}
            {{ content_of_days(key, materialization_id) }}
        {%- else -%} {{ content_of(this) }}
        {%- endif %}
        select
        {{ materialization_id }}, {{ text_literal(key) }}, '{{ lineage_run_id() }}'::uuid, code.code_version,
            coalesce(content.data_version, 'logical:' || sha256(code.code_version || '|' || inputs.versions)),
            sha256(code.code_version || '|' || inputs.versions), 'MATERIALIZED', content.row_count,
        {{ text_literal(tojson(columns_of_this())) }}::json,
        json_merge_patch({{ replay_facts(days) }}, json_object('column_versions', content.column_versions)),
        {{ lineage_now() }}, {{ lineage_now() }}
        from code, inputs, content;
    {%- endif -%}
{% endmacro %}

{#-
    What a replay needs (flows/engine/replay): the SQL as it ran, by its hash, and the database its relations are named
    in. A seed has no SQL; a ledger of an earlier release has no place for it until gridweave opens it.
-#}
{% macro keep_executed_sql() -%}
    {%- if is_sql_kept() -%}
        insert or ignore into lineage.executed_sql
        select sha256({{ text_literal(model.compiled_code) }}), {{ text_literal(model.compiled_code) }}, {{ lineage_now() }};
    {%- endif %}
{% endmacro %}

{% macro is_sql_kept() -%}
    {{-
        return(
            model.compiled_code
            and adapter.get_relation(target.database, "lineage", "executed_sql") is not none
        )
    -}}
{%- endmacro %}

{% macro replay_facts(days=none) -%}
    {%- set facts = {
        "dbt_invocation_id": invocation_id,
        "dbt_unique_id": model.unique_id,
        "database": target.database,
        "materialized": model.config.materialized,
    } -%}
    {%- if days is not none -%} {%- do facts.update({"days": days}) -%} {%- endif -%}
    json_merge_patch(
        {{ text_literal(tojson(facts)) }}::json,
        {% if is_sql_kept() -%}
            json_object('sql_sha256', sha256({{ text_literal(model.compiled_code) }}))
        {%- else -%} json_object()
        {%- endif %}
    )
{%- endmacro %}

{#- Columns that make up a row's content, quoted; those that differ from run to run do not count. -#}
{% macro counted_columns(relation) -%}
    {%- set counted = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation)
        if column.name not in ["run_id", "materialization_id", "model_version", "scored_at", "_ingested_at", "ingested_at", "last_ingested_at"] -%}
        {%- do counted.append('"' ~ column.name ~ '"') -%}
    {%- endfor -%}
    {{- return(counted) -}}
{%- endmacro %}

{#- A view has no content of its own: its version follows from its code and inputs. -#}
{% macro content_of(relation) -%}
    {%- if model.config.materialized == "view" -%}
        content as (
            select
                null::varchar as data_version,
                null::bigint as row_count,
                null::json as column_versions
        )
    {%- else -%}
        {%- set counted = [] -%}
        {%- set keys = [] -%}
        {%- set versions = [] -%}
        {%- for column in adapter.get_columns_in_relation(relation)
            if column.name not in ["run_id", "materialization_id", "model_version", "scored_at", "_ingested_at", "ingested_at", "last_ingested_at"] -%}
            {%- do counted.append('"' ~ column.name ~ '"') -%}
            {%- do versions.append(
                text_literal(column.name)
                ~ ", "
                ~ text_literal(column.dtype ~ ":")
                ~ ' || sum(hash(row_key_hash, "'
                ~ column.name
                ~ '"))'
            ) -%}
            {%- if column.name.endswith(("_id", "_at", "_date")) -%}
                {%- do keys.append(column.name) -%}
            {%- endif -%}
        {%- endfor -%}
        content as (
            select
                'duckdb-hash-sum:'
                || count(*)
                || ':'
                || coalesce(sum(hash({{ counted | join(", ") }})), 0) as data_version,
                count(*) as row_count,
                {% if keys -%}
                    case
                        when count(*) > 0 and count(*) = count(distinct row_key_hash)
                        then
                            json_object(
                                '*',
                                {{ text_literal(keys | join(",") ~ ":") }}
                                || count(*)
                                || ':'
                                || sum(row_key_hash),
                                {{ versions | join(", ") }}
                            )
                    end
                {%- else -%} null::json
                {%- endif %} as column_versions
            from
                (
                    select
                        *
                        {%- if keys %}, hash("{{ keys | join('", "') }}") as row_key_hash
                        {%- endif %}
                    from {{ relation }}
                )
        )
    {%- endif -%}
{%- endmacro %}

{#-
    The version gridweave knows this text by. A ledger that only plain dbt has seen, or an older one, has none.
-#}
{% macro present_code_version(key, source_text) -%}
    {%- if adapter.get_relation(target.database, "lineage", "definition_period") is none -%}
        {{- return("null::varchar") -}}
    {%- endif -%}
    {{-
        return(
            "(select max(code_version) from lineage.definition_period where valid_to is null and asset_key = "
            ~ text_literal(key)
            ~ " and text_sha256 = sha256("
            ~ source_text
            ~ "))"
        )
    -}}
{%- endmacro %}

{% macro columns_of_this() -%}
    {%- set named = [] -%}
    {%- for column in adapter.get_columns_in_relation(this) -%}
        {%- do named.append([column.name, column.dtype]) -%}
    {%- endfor -%}
    {{- return(named) -}}
{%- endmacro %}

{#- The ledger records wall-clock time; models never do. -#}
{% macro lineage_now() -%} {{- return("now()") -}} {%- endmacro %}
