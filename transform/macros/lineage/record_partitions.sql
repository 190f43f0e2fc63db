{#-
    The ledger entries of a model that is cut into partitions (`meta.partitions`): one per partition this invocation made,
    each with the hash of its own rows and the input partitions it read. Keys, windows and inputs come as variables that
    gridweave has validated (flows/engine/dbt/partitions.py); plain `dbt build` without them records the whole table.
-#}
{% macro partitions_made() -%}
    {{- return(var("partitions", []) if (model.config.meta or {}).get("partitions") else []) -}}
{%- endmacro %}

{% macro partition_condition(partition) -%}
    {%- set column = adapter.quote(model.config.meta.partitions.column) -%}
    {%- if partition.start -%}
        {{ column }} >= '{{ partition.start }}'::timestamptz
        and {{ column }} < '{{ partition.end }}'::timestamptz
    {%- else -%} {{ column }}::varchar = {{ text_literal(partition.key) }}
    {%- endif -%}
{%- endmacro %}

{% macro record_partitions() %}
    {%- set key = asset_key_of(model) -%}
    {%- set source_text = text_literal(model.raw_code) -%}
    {%- set inputs_by_partition = var("partition_inputs", {}).get(key, {}) -%}
    {%- set counted = [] -%}
    {%- for column in adapter.get_columns_in_relation(this)
        if column.name not in ["run_id", "materialization_id", "model_version", "scored_at", "_ingested_at", "ingested_at", "last_ingested_at"] -%}
        {%- do counted.append('"' ~ column.name ~ '"') -%}
    {%- endfor -%}
    {{- keep_executed_sql() -}}
    {%- for partition in partitions_made() -%}
        {%- set materialization_id = (
            "md5('" ~ invocation_id ~ model.unique_id ~ partition.key ~ "')::uuid"
        ) -%}
        {%- set inputs = [] -%}
        {%- for each in inputs_by_partition.get(partition.key, []) -%}
            {%- do inputs.append(text_literal(each)) -%}
        {%- endfor %}
        insert into lineage.materialization_input
            (materialization_id, input_materialization_id, upstream_key, upstream_partition, upstream_data_version)
        select {{ materialization_id }}, materialization_id, asset_key, partition_key, data_version
        from lineage.current_materialization
        where asset_key || '@' || partition_key in ({{ inputs | join(", ") or "null" }});

        insert into lineage.materialization
            (materialization_id, asset_key, partition_key, run_id, code_version, data_version, logical_version,
             event_kind, row_count, column_schema, metadata, valid_from, recorded_at)
        with
            code as (
                select arg_max(code_version, valid_from) as code_version
                from lineage.asset_definition
                where asset_key = {{ text_literal(key) }} and source_text = {{ source_text }}
            ),
            inputs as (
                select coalesce(string_agg(upstream_key || '@' || upstream_partition || '=' || upstream_data_version, ';'
                    order by upstream_key, upstream_partition), '') as versions
                from lineage.materialization_input
                where materialization_id = {{ materialization_id }}
            ),
            content as (
                select
                    'duckdb-hash-sum:' || count(*) || ':' || coalesce(sum(hash({{ counted | join(", ") }})), 0) as data_version,
                    count(*) as row_count
                from {{ this }}
                where {{ partition_condition(partition) }}
            )
        select
        {{ materialization_id }}, {{ text_literal(key) }}, {{ text_literal(partition.key) }},
            '{{ lineage_run_id() }}'::uuid, code.code_version, content.data_version,
            sha256(code.code_version || '|' || inputs.versions), 'MATERIALIZED', content.row_count,
        {{ text_literal(tojson(columns_of_this())) }}::json,
        {{ replay_facts() }},
        {{ lineage_now() }}, {{ lineage_now() }}
        from code, inputs, content;
    {% endfor -%}
{% endmacro %}
