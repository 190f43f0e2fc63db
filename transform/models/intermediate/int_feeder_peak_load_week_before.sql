with
    hours as (select * from {{ ref("int_load_hourly") }}),
    daily_peaks as (
        select
            network_id,
            series_id as feeder_id,
            local_date,
            max(load_mw) as peak_load_mw,
            bool_or(is_fallback) as is_fallback
        from hours
        where series_type = 'feeder'
        group by network_id, series_id, local_date
    ),
    -- Seven full local days, the last ending a day before the forecast day: complete at any issue
    -- time.
    days_after as (
        select
            daily_peaks.network_id,
            daily_peaks.feeder_id,
            daily_peaks.local_date + cast(day_offsets.day_offset as integer) as outage_date,
            daily_peaks.peak_load_mw,
            daily_peaks.is_fallback
        from daily_peaks
        cross join (values (2), (3), (4), (5), (6), (7), (8)) as day_offsets(day_offset)
    ),
    peaks as (
        select
            network_id,
            feeder_id,
            outage_date,
            max(peak_load_mw) as peak_load_mw_week_before,
            bool_or(is_fallback) as is_fallback
        from days_after
        group by network_id, feeder_id, outage_date
    )
select *
from peaks
