with
    readings as (select * from {{ ref("int_load_readings_globally_screened") }}),
    steps as (select * from {{ ref("int_load_steps_screened") }}),
    stepped as (
        select
            network_id,
            series_id,
            interval_start_at,
            cast(epoch(interval_start_at) as bigint) % 3600 as second_of_hour,
            flag_code
        from steps
    ),
    -- A reading that is missing, or that its own source calls bad, is no anomaly: only values that
    -- look right to their source and are not make a region suspicious.
    counted as (
        select
            network_id,
            series_id,
            interval_start_at,
            second_of_hour,
            flag_code,
            coalesce(flag_code not in ('MISSING', 'BAD_QUALITY'), false) as is_wrong,
            avg(
                cast(coalesce(flag_code not in ('MISSING', 'BAD_QUALITY'), false) as integer)
            ) over (
                partition by network_id, series_id
                order by
                    interval_start_at
                    range between interval 24 hour preceding and interval 23 hour following
            ) as wrong_share,
            sum(
                cast(coalesce(flag_code not in ('MISSING', 'BAD_QUALITY'), false) as integer)
            ) over (
                partition by network_id, series_id
                order by interval_start_at
                rows between unbounded preceding and current row
            ) as run_number
        from stepped
    ),
    -- Good readings between wrong ones: short runs inside a suspicious region are not trusted.
    surrounded as (
        select
            network_id,
            series_id,
            interval_start_at,
            flag_code,
            max(wrong_share) over (
                partition by network_id, series_id
                order by
                    interval_start_at
                    range between interval 23 hour preceding and interval 24 hour following
            ) as region_wrong_share,
            sum(cast(not is_wrong as integer)) over (
                partition by network_id, series_id, run_number
            ) as good_run_count
        from counted
    ),
    screened as (
        select
            readings.network_id,
            readings.series_id,
            readings.series_type,
            readings.interval_start_at,
            readings.interval_minutes,
            readings.load_mw,
            readings.operator_forecast_mw,
            readings.published_flag_code,
            readings.received_at,
            readings._load_id,
            readings.is_fallback,
            case
                when surrounded.flag_code is not null
                then surrounded.flag_code
                when
                    surrounded.region_wrong_share > {{ var("load_region_wrong_share") }}
                    and surrounded.good_run_count * readings.interval_minutes <= 24 * 60
                then 'ANOMALOUS_REGION'
            end as flag_code
        from readings
        inner join
            surrounded
            on readings.network_id = surrounded.network_id
            and readings.series_id = surrounded.series_id
            and readings.interval_start_at = surrounded.interval_start_at
    )
select *
from screened
