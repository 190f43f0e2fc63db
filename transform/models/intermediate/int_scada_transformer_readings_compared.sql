{{ config(materialized="view") }}

{% set measures = [
    "load_mva",
    "top_oil_degc",
    "vibration_mm_s",
    "hydrogen_ppm",
    "methane_ppm",
    "ethane_ppm",
    "ethylene_ppm",
    "acetylene_ppm",
] %}

with
    readings as (select * from {{ ref("int_scada_transformer_readings_deduplicated") }}),
    valued as (
        select
            network_id,
            asset_id,
            reading_at,
            quality,
            cast(epoch(reading_at) as bigint) % 3600 as second_of_hour,
            {% for measure in measures %}
                case
                    when quality = 'GOOD'
                    then {{ measure.replace("top_oil_", "top_oil_temperature_") }}
                end as {{ measure }},
            {% endfor %}
            received_at
        from readings
    ),
    neighboured as (
        select
            network_id,
            asset_id,
            reading_at,
            quality,
            second_of_hour,
            {% for measure in measures %}
                {{ measure }},
                lag({{ measure }}) over unit_order as {{ measure }}_previous,
                lead({{ measure }}) over unit_order as {{ measure }}_next,
                coalesce(
                    {{ measure }} = lag({{ measure }} ignore nulls) over unit_order, false
                ) as {{ measure }}_is_repeated,
            {% endfor %}
            received_at
        from valued
        window unit_order as (partition by network_id, asset_id order by reading_at)
    ),
    -- How much each measure of a unit usually moves from one reading to the next, and the minute
    -- it
    -- usually reports at: a sensor is judged by itself, not by the fleet.
    usual as (
        select
            network_id,
            asset_id,
            {% for measure in measures %}
                quantile_cont(
                    abs({{ measure }} - {{ measure }}_previous), 0.95
                ) as {{ measure }}_usual_step,
            {% endfor %}
            avg(cast(second_of_hour = 0 as integer)) as full_hour_share
        from neighboured
        group by network_id, asset_id
    ),
    -- Readings of a run have as many changes before them.
    numbered as (
        select
            network_id,
            asset_id,
            reading_at,
            quality,
            second_of_hour,
            {% for measure in measures %}
                {{ measure }},
                least({{ measure }}_previous, {{ measure }}_next) as {{ measure }}_around_least,
                greatest(
                    {{ measure }}_previous, {{ measure }}_next
                ) as {{ measure }}_around_greatest,
                {{ measure }}_is_repeated,
                sum(
                    cast({{ measure }} is not null and not {{ measure }}_is_repeated as integer)
                ) over (
                    partition by network_id, asset_id
                    order by reading_at
                    rows between unbounded preceding and current row
                ) as {{ measure }}_run_number,
            {% endfor %}
            received_at
        from neighboured
    ),
    compared as (
        select
            numbered.network_id,
            numbered.asset_id,
            numbered.reading_at,
            numbered.quality,
            {% for measure in measures %}
                numbered.{{ measure }},
                numbered.{{ measure }}_around_least,
                numbered.{{ measure }}_around_greatest,
                usual.{{ measure }}_usual_step,
                numbered.{{ measure }}_is_repeated
                and numbered.{{ measure }} > {{ var("spike_floor")[measure] }}
                and count(numbered.{{ measure }}) over (
                    partition by
                        numbered.network_id, numbered.asset_id, numbered.{{ measure }}_run_number
                )
                >= {{ var("telemetry_identical_run_count") }} as {{ measure }}_is_stuck,
            {% endfor %}
            usual.full_hour_share,
            numbered.second_of_hour <> 0 as is_off_hour,
            numbered.received_at
        from numbered
        inner join
            usual on numbered.network_id = usual.network_id and numbered.asset_id = usual.asset_id
    )
select *
from compared
