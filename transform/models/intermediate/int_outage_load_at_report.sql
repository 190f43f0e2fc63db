{% set windows = [1, 6, 24] %}

with
    outages as (select * from {{ ref("int_oms_outages_classified") }}),
    -- What was planned work when it was first reported: what it turned out to be later nobody
    -- knew then.
    unplanned as (
        select network_id, outage_id, started_at, feeder_id, first_known_at, restored_at
        from outages
        where
            not case
                when first_cause_type is not null then first_cause_type = 'planned' else is_planned
            end
    ),
    begun as (
        select
            network_id,
            outage_id,
            started_at,
            {% for hours in windows %}
                cast(
                    count(*) over network_{{ hours }}h as integer
                ) as network_begun_count_{{ hours }}h,
            {% endfor %}
            {% for hours in windows %}
                cast(count(*) over place_{{ hours }}h as integer) as place_begun_count_{{ hours }}h
                {{- "," if not loop.last }}
            {% endfor %}
        from unplanned
        window
            {% for hours in windows %}
                network_{{ hours }}h as (
                    partition by network_id
                    order by
                        first_known_at
                        range between interval {{ hours }} hour preceding and current row
                ),
                place_{{ hours }}h as (
                    partition by network_id, feeder_id
                    order by
                        first_known_at
                        range between interval {{ hours }} hour preceding and current row
                ){{ "," if not loop.last }}
            {% endfor %}
    ),
    -- One time line: an outage is open from its first report until after its restoration.
    marked as (
        select
            network_id,
            feeder_id,
            outage_id,
            started_at,
            first_known_at as marked_at,
            0 as mark_order,
            1 as open_change
        from unplanned
        union all
        select
            network_id,
            feeder_id,
            outage_id,
            started_at,
            greatest(first_known_at, restored_at) as marked_at,
            1 as mark_order,
            -1 as open_change
        from unplanned
        where restored_at is not null
    ),
    running as (
        select
            network_id,
            outage_id,
            started_at,
            mark_order,
            cast(
                sum(open_change) over (
                    partition by network_id
                    order by marked_at, mark_order
                    range between unbounded preceding and current row
                ) as integer
            ) as network_open_count,
            cast(
                sum(open_change) over (
                    partition by network_id, feeder_id
                    order by marked_at, mark_order
                    range between unbounded preceding and current row
                ) as integer
            ) as place_open_count
        from marked
    ),
    counted as (
        select
            begun.network_id,
            begun.outage_id,
            begun.started_at,
            {% for hours in windows %} begun.network_begun_count_{{ hours }}h, {% endfor %}
            running.network_open_count,
            {% for hours in windows %} begun.place_begun_count_{{ hours }}h, {% endfor %}
            running.place_open_count
        from begun
        inner join
            running
            on begun.network_id = running.network_id
            and begun.outage_id = running.outage_id
            and begun.started_at = running.started_at
        where running.mark_order = 0
    )
select *
from counted
