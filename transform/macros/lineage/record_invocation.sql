{#- on-run-start: this invocation as a run, and every test as a check its asset must pass. -#}
{% macro record_invocation_start() %}
    {%- if is_lineage_on() -%}
        insert into lineage.run
            (run_id, parent_run_id, root_run_id, job_namespace, job_name, run_kind, trigger, dbt_invocation_id,
             started_at, status, parameters, parameters_hash, environment_id)
        values
            ('{{ invocation_id }}',
        {{ "null" if lineage_run_id() == invocation_id else text_literal(lineage_run_id()) }},
             '{{ lineage_run_id() }}', 'gridweave', 'dbt {{ flags.WHICH }}', 'dbt_invocation',
             '{{ "dbt" if lineage_run_id() == invocation_id else "gridweave" }}', '{{ invocation_id }}', {{ lineage_now() }},
             'RUNNING', '{}', '', {{ text_literal("dbt-" ~ dbt_version) }});
        {%- set checks = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == "test" and asset_key_of_test(node) and not is_test_of_source(node) -%}
            {%- do checks.append(
                "("
                ~ text_literal(asset_key_of_test(node))
                ~ ", "
                ~ text_literal("dbt:" ~ node.name)
                ~ ", 'dbt', "
                ~ (node.config.severity | lower == "error")
                | string
                | lower ~ ", '')"
            ) -%}
        {%- endfor -%}
        {%- if checks %}
            insert or ignore into lineage.asset_check values {{ checks | join(", ") }};
        {%- endif -%}
        {#- dbt rolls this hook's transaction back when it ends; what it recorded must stay. -#}
        commit
        ;
        begin transaction
        ;
    {%- endif -%}
{% endmacro %}

{#- on-run-end: the outcome of every test, tied to the materialization it looked at, and the end of this run. -#}
{% macro record_invocation_end(results) %}
    {%- if is_lineage_on() -%}
        {%- set statuses = {"pass": "PASS", "fail": "FAIL", "warn": "FAIL", "error": "ERROR"} -%}
        {%- set outcomes = [] -%}
        {%- set failed = [] -%}
        {%- for result in results -%}
            {%- if result.status | string in ["error", "fail"] -%}
                {%- do failed.append(result.node.name) -%}
            {%- endif -%}
            {%- if result.node.resource_type == "test" and asset_key_of_test(result.node) -%}
                {%- do outcomes.append(
                    "("
                    ~ text_literal(asset_key_of_test(result.node))
                    ~ ", "
                    ~ text_literal("dbt:" ~ result.node.name)
                    ~ ", "
                    ~ text_literal(result.node.column_name or "")
                    ~ ", "
                    ~ (result.node.config.severity | lower == "error")
                    | string
                    | lower
                    ~ ", "
                    ~ text_literal(statuses.get(result.status | string, "NOT_RUN"))
                    ~ ", "
                    ~ text_literal(result.message or "")
                    ~ ", "
                    ~ (result.failures or 0)
                    ~ ")"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if outcomes %}
            insert into lineage.check_result
                (check_result_id, asset_key, materialization_id, run_id, check_name, engine, check_version, column_name,
                 severity, blocking, status, expected, actual, failing_rows, evaluated_at)
            select
                uuid(), o.asset_key, m.materialization_id, '{{ lineage_run_id() }}'::uuid, o.check_name, 'dbt', '',
                nullif(o.column_name, ''), if(o.blocking, 'ERROR', 'WARN'), o.blocking, o.status, 'no failing rows',
                nullif(o.message, ''), o.failing_rows, {{ lineage_now() }}
            from (values {{ outcomes | join(", ") }})
                as o (asset_key, check_name, column_name, blocking, status, message, failing_rows)
            inner join lineage.current_materialization as m
                on m.asset_key = o.asset_key
                and (m.partition_key = '' or m.run_id = '{{ lineage_run_id() }}'::uuid);
        {%- endif %}
        update lineage.run
        set status = '{{ "FAIL" if failed else "COMPLETE" }}', ended_at = {{ lineage_now() }},
            error_message = {{ text_literal(failed | join(", ")) if failed else "null" }}
        where run_id = '{{ invocation_id }}';
    {%- endif -%}
{% endmacro %}
