-- Check values of IEEE C57.91-2011 (rise 55 K, hot spot 25 K, R 6.5, n = m = 0.8). Returns the
-- loads that miss them.
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
    computed as (
        select
            load_share,
            expected_hot_spot_degc,
            expected_ageing_factor,
            ambient_degc
            + {{ top_oil_rise_k("load_share", 55) }}
            + {{ hot_spot_rise_k("load_share") }} as hot_spot_degc
        from loads
    )
select load_share, hot_spot_degc
from computed
where
    abs(hot_spot_degc - expected_hot_spot_degc) > 0.005
    or abs({{ ageing_factor("hot_spot_degc") }} / expected_ageing_factor - 1) > 0.001
