with
    outages as (select * from {{ ref("fct_outage") }}),
    estimates as (select * from {{ ref("fct_restoration_estimate") }}),
    load_at_report as (select * from {{ ref("int_outage_load_at_report") }}),
    networks as (select * from {{ ref("dim_networks") }}),
    -- What the crew was doing when the outage was first reported; later estimates are of the
    -- future.
    first_estimates as (
        select network_id, outage_id, started_at, issued_at, crew_status
        from estimates
        where revision_number = 1 and not is_outage_orphan
    ),
    reported as (
        select
            outages.network_id,
            outages.outage_id,
            outages.started_at,
            outages.first_known_at as valid_at,
            outages.first_known_at as available_at,
            outages.feeder_id,
            outages.latitude,
            outages.longitude,
            timezone(networks.time_zone, outages.first_known_at) as local_time,
            date_diff('second', outages.started_at, outages.first_known_at)
            / 3600.0 as report_delay_hours,
            case
                when
                    outages.first_estimated_restoration_at
                    <= outages.first_known_at
                    + to_days({{ var("restoration_estimate_maximum_days") }})
                then
                    date_diff(
                        'second', outages.first_known_at, outages.first_estimated_restoration_at
                    )
                    / 3600.0
            end as first_estimate_hours,
            outages.first_cause_type,
            first_estimates.crew_status as first_crew_status,
            load_at_report.network_begun_count_1h,
            load_at_report.network_begun_count_6h,
            load_at_report.network_begun_count_24h,
            load_at_report.network_open_count,
            load_at_report.place_begun_count_1h,
            load_at_report.place_begun_count_6h,
            load_at_report.place_begun_count_24h,
            load_at_report.place_open_count,
            outages.restored_at,
            -- Restored before it was known of (clock skew): nothing was left to wait for.
            case
                when outages.restored_at is not null
                then
                    greatest(date_diff('second', outages.first_known_at, outages.restored_at), 0)
                    / 3600.0
            end as restoration_hours,
            outages.restored_at is null as is_live,
            outages.is_fallback
        from outages
        inner join networks on outages.network_id = networks.network_id
        inner join
            load_at_report
            on outages.network_id = load_at_report.network_id
            and outages.outage_id = load_at_report.outage_id
            and outages.started_at = load_at_report.started_at
        left join
            first_estimates
            on outages.network_id = first_estimates.network_id
            and outages.outage_id = first_estimates.outage_id
            and outages.started_at = first_estimates.started_at
            and outages.first_known_at >= first_estimates.issued_at
        -- Planned work ends by plan, and a public-safety shut-off when the weather does.
        where not outages.is_planned and outages.cause_type <> 'public_safety'
    ),
    timed as (
        select
            network_id,
            outage_id,
            started_at,
            valid_at,
            available_at,
            feeder_id,
            latitude,
            longitude,
            cast(extract(hour from local_time) as integer) as local_hour,
            cast(extract(isodow from local_time) as integer) as local_day_of_week,
            cast(extract(month from local_time) as integer) as local_month,
            report_delay_hours,
            first_estimate_hours,
            first_cause_type,
            first_crew_status,
            network_begun_count_1h,
            network_begun_count_6h,
            network_begun_count_24h,
            network_open_count,
            place_begun_count_1h,
            place_begun_count_6h,
            place_begun_count_24h,
            place_open_count,
            restored_at,
            restoration_hours,
            is_live,
            is_fallback
        from reported
    )
select *
from timed
