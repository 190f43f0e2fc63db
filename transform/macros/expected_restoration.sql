{# How long an outage of a feeder is expected to last, for reports that multiply by it. Two steps of a model that imports
   `restoration_scores` (ml.restoration_time_scores) and `outages` (fct_outage): the median of what was foretold for the
   feeder's own outages, once there are enough of them, and the median outage of the network. #}
{% macro expected_restoration_steps() -%}
    last_foretold as (
        select network_id, feeder_id, p50_restoration_hours
        from restoration_scores
        qualify {{ is_last_materialization() }}
    ),
    feeder_restorations as (
        select network_id, feeder_id, median(p50_restoration_hours) as restoration_hours
        from last_foretold
        where feeder_id is not null
        group by network_id, feeder_id
        having count(*) >= {{ var("restoration_minimum_outages") }}
    ),
    network_restorations as (
        select network_id, median(duration_hours) as restoration_hours
        from outages
        where not is_planned and duration_hours is not null
        group by network_id
    )
{%- endmacro %}

{# The hours themselves, in a model that joins both steps. #}
{% macro expected_restoration_hours() -%}
    coalesce(
        feeder_restorations.restoration_hours,
        network_restorations.restoration_hours,
        {{ var("repair_hours") }}
    )
{%- endmacro %}
