{{ config(materialized="view") }}

with
    screened as (select * from {{ ref("int_load_readings_globally_screened") }}),
    predicted as (select * from {{ ref("int_load_readings_predicted") }}),
    valued as (
        select
            screened.network_id,
            screened.series_id,
            screened.interval_start_at,
            screened.flag_code,
            case when screened.flag_code is null then screened.load_mw end as load_mw,
            predicted.predicted_load_mw,
            predicted.regional_predicted_load_mw,
            predicted.offset_iqr_mw,
            predicted.step_mw,
            - lead(predicted.step_mw) over series_order as step_back_mw,
            predicted.step_iqr_mw,
            screened.has_feed_in
        from screened
        inner join
            predicted
            on screened.network_id = predicted.network_id
            and screened.series_id = predicted.series_id
            and screened.interval_start_at = predicted.interval_start_at
        window
            series_order as (
                partition by screened.network_id, screened.series_id
                order by screened.interval_start_at
            )
    ),
    -- A series with feed-in crosses zero and has no usual shape: only the steps are judged.
    compared as (
        select
            network_id,
            series_id,
            interval_start_at,
            load_mw,
            load_mw / nullif(predicted_load_mw, 0) as relative_load,
            greatest(
                abs(1 - load_mw / nullif(predicted_load_mw, 0)),
                abs(1 - load_mw / nullif(regional_predicted_load_mw, 0))
            ) as deviation,
            step_mw,
            step_back_mw,
            step_iqr_mw,
            case
                when flag_code is not null
                then flag_code
                when
                    not has_feed_in
                    and load_mw
                    >= predicted_load_mw + {{ var("load_local_upper_iqr") }} * offset_iqr_mw
                then 'LOCAL_DEM_UP'
                when
                    not has_feed_in
                    and load_mw
                    <= predicted_load_mw - {{ var("load_local_lower_iqr") }} * offset_iqr_mw
                then 'LOCAL_DEM_DOWN'
            end as flag_code
        from valued
    ),
    -- The reading beside an outlier makes a large step towards it; that is the outlier's doing.
    screened_locally as (
        select
            network_id,
            series_id,
            interval_start_at,
            load_mw,
            relative_load,
            deviation,
            step_iqr_mw,
            case
                when flag_code is not null
                then flag_code
                when
                    coalesce(lag(flag_code) over series_order, '')
                    not in ('LOCAL_DEM_UP', 'LOCAL_DEM_DOWN')
                    and coalesce(lead(flag_code) over series_order, '')
                    not in ('LOCAL_DEM_UP', 'LOCAL_DEM_DOWN')
                    and (
                        step_mw > {{ var("load_double_delta_iqr") }} * step_iqr_mw
                        and step_back_mw > {{ var("load_double_delta_iqr") }} * step_iqr_mw
                        or step_mw < -{{ var("load_double_delta_iqr") }} * step_iqr_mw
                        and step_back_mw < -{{ var("load_double_delta_iqr") }} * step_iqr_mw
                    )
                then 'DELTA'
            end as flag_code
        from compared
        window series_order as (partition by network_id, series_id order by interval_start_at)
    )
select *
from screened_locally
