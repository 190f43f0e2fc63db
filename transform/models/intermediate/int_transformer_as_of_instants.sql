with
    transformer_days as (select * from {{ ref("int_transformer_readings_daily") }}),
    installations as (select * from {{ ref("int_transformer_installations") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    -- Each day of readings counts for the four Mondays that follow it within 28 days, and for the
    -- live instant.
    instants as (
        select distinct
            transformer_days.network_id,
            transformer_days.asset_id,
            cast(
                date_trunc('week', transformer_days.reading_date)
                + to_days(7 * cast(weeks.week_number as integer)) as timestamptz
            ) as valid_at,
            false as is_live
        from transformer_days
        cross join (values (1), (2), (3), (4)) as weeks(week_number)
        union all
        select distinct
            transformer_days.network_id,
            transformer_days.asset_id,
            horizons.transformer_horizon_at as valid_at,
            true as is_live
        from transformer_days
        inner join horizons on transformer_days.network_id = horizons.network_id
        where
            transformer_days.reading_date
            > cast(horizons.transformer_horizon_at - interval 28 day as date)
    ),
    -- Only units in service at the instant, and no instant beyond what the network has reported.
    in_service as (
        select
            instants.network_id,
            instants.asset_id,
            instants.valid_at,
            instants.is_live,
            installations.installed_on,
            installations.rated_mva,
            horizons.transformer_horizon_at,
            installations.is_fallback
        from instants
        inner join horizons on instants.network_id = horizons.network_id
        inner join
            installations
            on instants.network_id = installations.network_id
            and instants.asset_id = installations.asset_id
            and instants.valid_at >= coalesce(installations.installed_on, date '1900-01-01')
            and instants.valid_at
            < coalesce(installations.out_of_service_at, timestamptz '9999-01-01 00:00:00+00')
        where instants.is_live or instants.valid_at < horizons.transformer_horizon_at
    )
select *
from in_service
