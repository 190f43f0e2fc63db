{# Raw table -> staging model. Telemetry is counted by day, as it is made. #}
{% set staged = {
    "scada_load_readings": "stg_scada__load_readings",
    "scada_events": "stg_scada__events",
    "soc_incidents": "stg_soc__incidents",
    "weather_observations": "stg_weather__observations",
    "weather_forecasts": "stg_weather__forecasts",
    "calendar_days": "stg_calendar__days",
    "gis_substations": "stg_gis__substations",
    "gis_feeders": "stg_gis__feeders",
    "gis_switches": "stg_gis__switches",
    "cis_customers": "stg_cis__customers",
    "cis_feeder_customers": "stg_cis__feeder_customers",
    "eam_transformers": "stg_eam__transformers",
    "eam_work_orders": "stg_eam__work_orders",
    "oms_outages": "stg_oms__outages",
    "oms_customers_out_readings": "stg_oms__customers_out_readings",
    "market_prices": "stg_market__prices",
    "lab_oil_tests": "stg_lab__oil_tests",
    "oms_restoration_steps": "stg_oms__restoration_steps",
    "oms_restoration_estimates": "stg_oms__restoration_estimates",
    "scada_alarms": "stg_scada__alarms",
    "gis_segments": "stg_gis__segments",
    "vegetation_inspections": "stg_vegetation__inspections",
    "ami_intervals": "stg_ami__intervals",
    "scada_measurements": "stg_scada__measurements",
} %}

with
    {% for raw_table, candidates in staged.items() %}
        {{ raw_table }}_delivered as (
            select
                '{{ raw_table }}' as raw_table,
                _load_id,
                min(_source) as source_name,
                count(*) as row_count_in,
                count(_parse_error) as row_count_parse_error,
                max(_ingested_at) as ingested_at,
                bool_or(_is_fallback) as is_fallback
            from {{ ref("stg_" ~ raw_table.replace("_", "__", 1)) }}
            group by _load_id
        ),
        {{ raw_table }}_clean as (
            select _load_id, count(*) as row_count
            from {{ ref("int_" ~ raw_table ~ "_deduplicated") }}
            group by _load_id
        ),
        {{ raw_table }}_quarantined as (
            select _load_id, count(*) as row_count
            from {{ ref("quarantine_" ~ raw_table) }}
            group by _load_id
        ),
        -- Counted for itself, not as a remainder: a row in neither place whose key the clean rows
        -- do have.
        {{ raw_table }}_duplicate as (
            select candidates._load_id, count(*) as row_count
            from {{ ref(candidates) }} as candidates
            anti join
                {{ ref("quarantine_" ~ raw_table) }} as quarantined
                on {{ same_row("candidates", "quarantined", raw_table) }}
            anti join
                {{ ref("int_" ~ raw_table ~ "_deduplicated") }} as clean
                on {{ same_row("candidates", "clean", raw_table) }}
            semi join
                {{ ref("int_" ~ raw_table ~ "_deduplicated") }} as winner
                on {{ same_columns("candidates", "winner", natural_key(raw_table)) }}
            group by candidates._load_id
        ),
    {% endfor %}
    counted as (select * from {{ ref("fct_row_conservation_daily") }}),
    telemetry as (
        select
            raw_table,
            _load_id,
            min(source_name) as source_name,
            max(ingested_at) as ingested_at,
            cast(sum(row_count_in) as bigint) as row_count_in,
            cast(sum(row_count_clean) as bigint) as row_count_clean,
            cast(sum(row_count_quarantined) as bigint) as row_count_quarantined,
            cast(sum(row_count_duplicate) as bigint) as row_count_duplicate,
            cast(sum(row_count_parse_error) as bigint) as row_count_parse_error,
            bool_or(is_fallback) as is_fallback
        from counted
        group by raw_table, _load_id
    ),
    balanced as (
        select
            raw_table,
            _load_id,
            source_name,
            ingested_at,
            row_count_in,
            row_count_clean,
            row_count_quarantined,
            row_count_duplicate,
            row_count_parse_error,
            row_count_in
            = row_count_clean + row_count_quarantined + row_count_duplicate as is_balanced,
            is_fallback
        from telemetry
        union all
        {% for raw_table in staged %}
            select
                delivered.raw_table,
                delivered._load_id,
                delivered.source_name,
                delivered.ingested_at,
                delivered.row_count_in,
                coalesce(clean.row_count, 0) as row_count_clean,
                coalesce(quarantined.row_count, 0) as row_count_quarantined,
                coalesce(duplicate.row_count, 0) as row_count_duplicate,
                delivered.row_count_parse_error,
                delivered.row_count_in
                = coalesce(clean.row_count, 0)
                + coalesce(quarantined.row_count, 0)
                + coalesce(duplicate.row_count, 0) as is_balanced,
                delivered.is_fallback
            from {{ raw_table }}_delivered as delivered
            left join {{ raw_table }}_clean as clean on delivered._load_id = clean._load_id
            left join
                {{ raw_table }}_quarantined as quarantined
                on delivered._load_id = quarantined._load_id
            left join
                {{ raw_table }}_duplicate as duplicate on delivered._load_id = duplicate._load_id
                {{ "union all" if not loop.last }}
        {% endfor %}
    )
select *
from balanced
