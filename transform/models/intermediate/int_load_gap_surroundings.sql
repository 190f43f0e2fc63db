with
    screened as (select * from {{ ref("int_load_readings_screened") }}),
    valued as (
        select
            network_id,
            series_id,
            interval_start_at,
            interval_minutes,
            case when flag_code is null then load_mw end as load_mw,
            greatest(interval_start_at + to_minutes(interval_minutes), received_at) as known_at
        from screened
    ),
    good as (
        select network_id, series_id, interval_start_at, load_mw, known_at
        from valued
        where load_mw is not null
    ),
    -- Only gaps and the good readings that bound them need to know what is usual.
    bounding as (
        select
            network_id,
            series_id,
            interval_start_at,
            interval_minutes,
            load_mw,
            known_at,
            load_mw is not null
            and lag(load_mw) over series_order is not null
            and lead(load_mw) over series_order is not null as is_inside
        from valued
        window series_order as (partition by network_id, series_id order by interval_start_at)
    ),
    -- Usual is the mean of the same time one and two days and a week before and after, as far as
    -- these are good.
    surroundings as (
        select
            bounding.network_id,
            bounding.series_id,
            bounding.interval_start_at,
            bounding.interval_minutes,
            bounding.load_mw,
            bounding.known_at,
            list_avg(
                [
                    day_before.load_mw,
                    day_after.load_mw,
                    two_days_before.load_mw,
                    two_days_after.load_mw,
                    week_before.load_mw,
                    week_after.load_mw
                ]
            ) as usual_load_mw,
            greatest(
                day_before.known_at,
                day_after.known_at,
                two_days_before.known_at,
                two_days_after.known_at,
                week_before.known_at,
                week_after.known_at
            ) as usual_known_at
        from bounding
        {% for name, hours in [
                ("day_before", -24),
                ("day_after", 24),
                ("two_days_before", -48),
                ("two_days_after", 48),
                ("week_before", -168),
                ("week_after", 168),
            ] %}
            left join
                good as {{ name }}
                on bounding.network_id = {{ name }}.network_id
                and bounding.series_id = {{ name }}.series_id
                and bounding.interval_start_at + interval ({{ hours }}) hour
                = {{ name }}.interval_start_at
        {% endfor %}
        where not bounding.is_inside
    )
select *
from surroundings
