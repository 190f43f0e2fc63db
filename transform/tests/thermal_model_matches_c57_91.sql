-- Check values of IEEE C57.91-2011 (rise 55 K, hot spot 25 K, R 6.5, n = m = 0.8). Returns what
-- misses them: hot spots of loads, ageing factors of hot spots, and a day of three temperatures.
with
    loads as (
        select load_share, ambient_degc, expected_hot_spot_degc, expected_ageing_factor
        from
            (
                values (1.0, 30, 110.00, 1.000), (0.8, 30, 88.27, 0.0949), (1.2, 40, 144.69, 25.86)
            ) as check_values(  -- noqa: AL05
                load_share, ambient_degc, expected_hot_spot_degc, expected_ageing_factor
            )
    ),
    computed_loads as (
        select
            load_share,
            expected_hot_spot_degc,
            expected_ageing_factor,
            ambient_degc
            + {{ top_oil_rise_k("load_share", 55) }}
            + {{ hot_spot_rise_k("load_share") }} as hot_spot_degc
        from loads
    ),
    hot_spots as (
        select hot_spot_degc, expected_ageing_factor
        from
            (
                values
                    (98, 0.282), (110, 1.0), (117, 2.020), (120, 2.709), (130, 6.984), (140, 17.20)
            ) as check_values(hot_spot_degc, expected_ageing_factor)  -- noqa: AL05
    ),
    -- 12 h at 110, 8 h at 120 and 4 h at 130 degC: F_EQA = (12 * 1 + 8 * 2.709 + 4 * 6.984) / 24 =
    -- 2.567; loss of life 2.567 * 24 * 100 / 180,000 = 0.03423 %.
    day as (
        select
            sum(hours * {{ ageing_factor("hot_spot_degc") }})
            / sum(hours) as equivalent_ageing_factor,
            sum(hours) as hours
        from (values (12, 110), (8, 120), (4, 130)) as day_parts(hours, hot_spot_degc)  -- noqa: AL05
    )
select 'hot spot at load ' || load_share as check_name, hot_spot_degc as computed
from computed_loads
where abs(hot_spot_degc - expected_hot_spot_degc) > 0.005
union all
select
    'ageing factor at load ' || load_share as check_name,
    {{ ageing_factor("hot_spot_degc") }} as computed
from computed_loads
where abs({{ ageing_factor("hot_spot_degc") }} / expected_ageing_factor - 1) > 0.001
union all
select
    'ageing factor at ' || hot_spot_degc || ' degC' as check_name,
    {{ ageing_factor("hot_spot_degc") }} as computed
from hot_spots
where abs({{ ageing_factor("hot_spot_degc") }} / expected_ageing_factor - 1) > 0.001
union all
select 'F_EQA of the day' as check_name, equivalent_ageing_factor as computed
from day
where abs(equivalent_ageing_factor - 2.567) > 0.0005
union all
select
    'loss of life of the day' as check_name,
    {{ loss_of_life_pct("equivalent_ageing_factor", "hours") }} as computed
from day
where abs({{ loss_of_life_pct("equivalent_ageing_factor", "hours") }} - 0.03423) > 0.00001
