with
    feeder_days as (select * from {{ ref("int_outage_feeder_days_issued") }}),
    events as (select * from {{ ref("int_outage_events_localised") }}),
    -- Running number of unplanned outages known per feeder: differences of it are counts over any
    -- window.
    cumulative as (
        select
            network_id,
            feeder_id,
            known_at,
            cast(
                sum(count(*)) over (
                    partition by network_id, feeder_id
                    order by known_at
                    rows between unbounded preceding and current row
                ) as integer
            ) as outage_count
        from events
        where not is_planned
        group by network_id, feeder_id, known_at
    ),
    {% for days in [0, 7, 28, 365] %}
        -- Strictly before the instant: what became known at the issue time itself came too late.
        known_{{ days }}d as (
            select
                feeder_days.network_id,
                feeder_days.feeder_id,
                feeder_days.outage_date,
                coalesce(cumulative.outage_count, 0) as outage_count
            from feeder_days
            asof left join
                cumulative
                on feeder_days.network_id = cumulative.network_id
                and feeder_days.feeder_id = cumulative.feeder_id
                and feeder_days.available_at - interval {{ days }} day > cumulative.known_at
        ),
    {% endfor %}
    counted as (
        select
            known_0d.network_id,
            known_0d.feeder_id,
            known_0d.outage_date,
            {% for days in [7, 28, 365] %}
                known_0d.outage_count - known_{{ days }}d.outage_count as outage_count_{{ days }}d
                {{- "," if not loop.last }}
            {% endfor %}
        from known_0d
        {% for days in [7, 28, 365] %}
            inner join
                known_{{ days }}d
                on known_0d.network_id = known_{{ days }}d.network_id
                and known_0d.feeder_id = known_{{ days }}d.feeder_id
                and known_0d.outage_date = known_{{ days }}d.outage_date
        {% endfor %}
    )
select *
from counted
