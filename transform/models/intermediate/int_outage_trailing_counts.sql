{% set windows = [7, 28, 365] %}

with
    feeder_days as (select * from {{ ref("int_outage_feeder_days_issued") }}),
    events as (select * from {{ ref("int_outage_events_localised") }}),
    unplanned as (select network_id, feeder_id, known_at from events where not is_planned),
    -- One time line per feeder: an outage enters every window when it becomes known and leaves
    -- each when that is over.
    -- A question asked at the same instant comes first, so it never sees what became known with it.
    marked as (
        select
            network_id,
            feeder_id,
            available_at as marked_at,
            0 as mark_order,
            outage_date,
            {% for days in windows %} 0 as change_{{ days }}d{{ "," if not loop.last }} {% endfor %}
        from feeder_days
        union all
        select
            network_id,
            feeder_id,
            known_at as marked_at,
            1 as mark_order,
            cast(null as date) as outage_date,
            {% for days in windows %} 1 as change_{{ days }}d{{ "," if not loop.last }} {% endfor %}
        from unplanned
        {% for ending in windows %}
            union all
            select
                network_id,
                feeder_id,
                known_at + interval {{ ending }} day as marked_at,
                1 as mark_order,
                cast(null as date) as outage_date,
                {% for days in windows %}
                    {{ "-1" if days == ending else "0" }} as change_{{ days }}d
                    {{- "," if not loop.last }}
                {% endfor %}
            from unplanned
        {% endfor %}
    ),
    running as (
        select
            network_id,
            feeder_id,
            outage_date,
            {% for days in windows %}
                cast(sum(change_{{ days }}d) over time_line as integer) as outage_count_{{ days }}d
                {{- "," if not loop.last }}
            {% endfor %}
        from marked
        window
            time_line as (
                partition by network_id, feeder_id
                order by marked_at, mark_order, outage_date
                rows between unbounded preceding and current row
            )
    ),
    counted as (
        select
            network_id,
            feeder_id,
            outage_date,
            {% for days in windows %}
                outage_count_{{ days }}d{{ "," if not loop.last }}
            {% endfor %}
        from running
        where outage_date is not null
    )
select *
from counted
