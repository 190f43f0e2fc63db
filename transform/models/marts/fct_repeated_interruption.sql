with
    interruptions as (select * from {{ ref("int_sustained_interruptions_attributed") }}),
    customers as (select * from {{ ref("int_cis_customers_placed") }}),
    days as (select * from {{ ref("fct_reliability_daily") }}),
    thresholds as (select * from {{ ref("fct_major_event_threshold") }}),
    scenarios as (select unnest([false, true]) as is_major_days_excluded),
    years as (
        select
            thresholds.network_id,
            thresholds.calendar_year,
            scenarios.is_major_days_excluded,
            case
                when scenarios.is_major_days_excluded then thresholds.missing_reason
            end as missing_reason
        from thresholds
        cross join scenarios
    ),
    counted as (
        select
            interruptions.network_id,
            thresholds.calendar_year,
            scenarios.is_major_days_excluded,
            interruptions.feeder_id,
            interruptions.asset_id,
            interruptions.reach_type,
            interruptions.sustained_customers_count,
            interruptions.is_fallback
        from interruptions
        inner join
            days
            on interruptions.network_id = days.network_id
            and interruptions.local_date = days.local_date
        inner join
            thresholds
            on interruptions.network_id = thresholds.network_id
            and year(interruptions.local_date) = thresholds.calendar_year
        cross join scenarios
        where
            not (
                scenarios.is_major_days_excluded
                and coalesce(days.saidi_minutes > thresholds.threshold_saidi_minutes, false)
            )
    ),
    by_feeder as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            feeder_id,
            count(*) as interruption_count
        from counted
        where reach_type = 'feeder'
        group by network_id, calendar_year, is_major_days_excluded, feeder_id
    ),
    by_asset as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            asset_id,
            count(*) as interruption_count
        from counted
        where reach_type = 'asset'
        group by network_id, calendar_year, is_major_days_excluded, asset_id
    ),
    placed as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            sum(sustained_customers_count) as all_count,
            coalesce(
                sum(sustained_customers_count) filter (where reach_type <> 'unknown'), 0
            ) as attributed_count,
            bool_or(is_fallback) as is_fallback
        from counted
        group by network_id, calendar_year, is_major_days_excluded
    ),
    -- Customers of one feeder and transformer share their interruptions: they are counted together.
    cells as (
        select network_id, feeder_id, asset_id, count(*) as customers_count
        from customers
        group by network_id, feeder_id, asset_id
    ),
    hit as (
        select
            years.network_id,
            years.calendar_year,
            years.is_major_days_excluded,
            cells.customers_count,
            coalesce(by_feeder.interruption_count, 0)
            + coalesce(by_asset.interruption_count, 0) as interruption_count
        from years
        inner join cells on years.network_id = cells.network_id
        left join
            by_feeder
            on years.network_id = by_feeder.network_id
            and years.calendar_year = by_feeder.calendar_year
            and years.is_major_days_excluded = by_feeder.is_major_days_excluded
            and cells.feeder_id = by_feeder.feeder_id
        left join
            by_asset
            on years.network_id = by_asset.network_id
            and years.calendar_year = by_asset.calendar_year
            and years.is_major_days_excluded = by_asset.is_major_days_excluded
            and cells.asset_id = by_asset.asset_id
    ),
    repeated as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            sum(customers_count) as customers_count,
            coalesce(sum(customers_count) filter (where interruption_count >= 3), 0) as three_count,
            coalesce(sum(customers_count) filter (where interruption_count >= 5), 0) as five_count
        from hit
        group by network_id, calendar_year, is_major_days_excluded
    ),
    judged as (
        select
            years.network_id,
            years.calendar_year,
            years.is_major_days_excluded,
            repeated.customers_count,
            repeated.three_count,
            repeated.five_count,
            case
                when placed.all_count > 0
                then placed.attributed_count / placed.all_count
                when repeated.customers_count > 0
                then 1.0
            end as attributed_share,
            years.missing_reason,
            coalesce(placed.is_fallback, false) as is_fallback
        from years
        left join
            repeated
            on years.network_id = repeated.network_id
            and years.calendar_year = repeated.calendar_year
            and years.is_major_days_excluded = repeated.is_major_days_excluded
        left join
            placed
            on years.network_id = placed.network_id
            and years.calendar_year = placed.calendar_year
            and years.is_major_days_excluded = placed.is_major_days_excluded
    ),
    explained as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            cast(customers_count as integer) as customers_count,
            cast(three_count as integer) as three_count,
            cast(five_count as integer) as five_count,
            cast(attributed_share as double) as attributed_share,
            case
                when missing_reason is not null
                then missing_reason
                when customers_count is null
                then 'no customer is assigned to a feeder or a transformer'
                when attributed_share < {{ var("cemi_minimum_attributed_share") }}
                then
                    printf(
                        'only %.1f %% of customer interruptions can be told apart by customer',
                        100 * attributed_share
                    )
            end as missing_reason,
            is_fallback
        from judged
    ),
    -- IEEE 1366-2012, CEMI-n: customers with n or more sustained interruptions per customer served.
    facts as (
        select
            network_id,
            calendar_year,
            is_major_days_excluded,
            customers_count,
            attributed_share,
            case when missing_reason is null then three_count / customers_count end as cemi_3_share,
            case when missing_reason is null then five_count / customers_count end as cemi_5_share,
            missing_reason,
            is_fallback
        from explained
    )
select *
from facts
