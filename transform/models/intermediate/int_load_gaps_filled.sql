with
    surroundings as (select * from {{ ref("int_load_gap_surroundings") }}),
    bounded as (
        select
            network_id,
            series_id,
            interval_start_at,
            interval_minutes,
            load_mw,
            usual_load_mw,
            usual_known_at,
            {% for side, pick, frame in [
                ("previous", "last_value", "before_gap"),
                ("next", "first_value", "after_gap"),
            ] %}
                {{ pick }} (load_mw ignore nulls) over {{ frame }} as {{ side }}_load_mw,
                {{ pick }} (
                    case when load_mw is not null then interval_start_at end ignore nulls
                ) over {{ frame }} as {{ side }}_at,
                {{ pick }} (
                    case when load_mw is not null then greatest(known_at, usual_known_at) end
                    ignore nulls
                ) over {{ frame }} as {{ side }}_known_at,
                {{ pick }} (load_mw - usual_load_mw ignore nulls) over {{ frame }}
                as {{ side }}_offset_mw,
                {{ pick }} (load_mw / nullif(usual_load_mw, 0) ignore nulls) over {{ frame }}
                as {{ side }}_ratio,
            {% endfor %}
            known_at
        from surroundings
        window
            before_gap as (
                partition by network_id, series_id
                order by interval_start_at
                rows between unbounded preceding and current row
            ),
            after_gap as (
                partition by network_id, series_id
                order by interval_start_at
                rows between current row and unbounded following
            )
    ),
    gaps as (
        select
            network_id,
            series_id,
            interval_start_at,
            previous_load_mw,
            next_load_mw,
            previous_known_at,
            next_known_at,
            previous_offset_mw,
            next_offset_mw,
            previous_ratio,
            next_ratio,
            usual_load_mw,
            usual_known_at,
            next_at - previous_at - to_minutes(interval_minutes)
            <= interval ({{ var("imputation_linear_hours") }}) hour as is_short,
            (epoch(interval_start_at) - epoch(previous_at))
            / (epoch(next_at) - epoch(previous_at)) as gap_share
        from bounded
        where load_mw is null
    ),
    -- Short gaps: a straight line. Longer ones: what is usual, scaled so that it meets the good
    -- readings at both ends, or shifted where a ratio says nothing (a load that crosses zero).
    -- Scored on hidden runs by `gridweave quality check-rules`; before 2026-11-21 it was shifted
    -- only, and knew no day but the next: 5.0 % instead of 3.9 % on 24 h of EIA-930.
    filled as (
        select
            network_id,
            series_id,
            interval_start_at,
            case
                when is_short
                then previous_load_mw + (next_load_mw - previous_load_mw) * gap_share
                when
                    previous_ratio
                    between 1.0
                    / {{ var("imputation_ratio_maximum") }}
                    and {{ var("imputation_ratio_maximum") }}
                    and next_ratio
                    between 1.0
                    / {{ var("imputation_ratio_maximum") }}
                    and {{ var("imputation_ratio_maximum") }}
                then usual_load_mw * (previous_ratio + (next_ratio - previous_ratio) * gap_share)
                when previous_offset_mw is not null and next_offset_mw is not null
                then
                    usual_load_mw
                    + previous_offset_mw
                    + (next_offset_mw - previous_offset_mw) * gap_share
                else usual_load_mw + coalesce(previous_offset_mw, next_offset_mw, 0)
            end as imputed_load_mw,
            case
                when is_short
                then next_known_at
                else greatest(usual_known_at, previous_known_at, next_known_at)
            end as imputed_known_at
        from gaps
    )
select *
from filled
