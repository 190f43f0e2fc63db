with
    gridded as (select * from {{ ref("int_load_readings_gridded") }}),
    paired as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            operator_forecast_mw,
            published_flag_code,
            received_at,
            _load_id,
            is_fallback,
            has_feed_in,
            quality,
            median_load_mw,
            coalesce(load_mw = lag(load_mw) over series_order, false) as is_repeated,
            coalesce(
                lag(load_mw) over series_order = lag(load_mw, 2) over series_order, false
            ) as is_repeated_before,
            coalesce(load_mw = lead(load_mw) over series_order, false) as is_repeated_after
        from gridded
        window series_order as (partition by network_id, series_id order by interval_start_at)
    ),
    -- The third of three equal readings is held, as in Ruggles et al. 2020. The second is, too,
    -- unless load is rounded so coarsely that two equal readings are often chance.
    compared as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            operator_forecast_mw,
            published_flag_code,
            received_at,
            _load_id,
            is_fallback,
            has_feed_in,
            quality,
            is_repeated
            and (
                is_repeated_before
                or is_repeated_after
                and avg(
                    cast(
                        is_repeated and not is_repeated_before and not is_repeated_after as integer
                    )
                ) over (partition by network_id, series_id)
                < {{ var("load_chance_pair_share") }}
            ) as is_held,
            coalesce(
                abs(load_mw - median_load_mw)
                > {{ var("load_global_median_multiple") }} * median_load_mw,
                false
            ) as is_global_outlier
        from paired
    ),
    -- Ruggles et al. 2020 (Sci Data 7, 155), in their order: the first screen that fires names
    -- the reading.
    screened as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            operator_forecast_mw,
            published_flag_code,
            received_at,
            _load_id,
            is_fallback,
            has_feed_in,
            case
                when load_mw is null
                then 'MISSING'
                when quality <> 'GOOD'
                then 'BAD_QUALITY'
                when load_mw <= 0 and not has_feed_in
                then 'NEG_OR_ZERO'
                when is_held
                then 'IDENTICAL_RUN'
                when is_global_outlier
                then 'GLOBAL_DEM'
            end as flag_code
        from compared
    ),
    neighboured as (
        select
            network_id,
            series_id,
            series_type,
            interval_start_at,
            interval_minutes,
            load_mw,
            operator_forecast_mw,
            published_flag_code,
            received_at,
            _load_id,
            is_fallback,
            has_feed_in,
            case
                when flag_code is not null
                then flag_code
                when
                    lag(flag_code) over series_order = 'GLOBAL_DEM'
                    or lead(flag_code) over series_order = 'GLOBAL_DEM'
                then 'GLOBAL_DEM_PLUS_MINUS'
            end as flag_code
        from screened
        window series_order as (partition by network_id, series_id order by interval_start_at)
    )
select *
from neighboured
