with
    instants as (select * from {{ ref("int_transformer_as_of_instants") }}),
    condition as (select * from {{ ref("int_transformer_condition_28d") }}),
    maintenance as (select * from {{ ref("int_transformer_maintenance_history") }}),
    failures as (select * from {{ ref("fct_transformer_failure") }}),
    -- The label looks forward from the instant; everything else looks back.
    upcoming as (
        select instants.network_id, instants.asset_id, instants.valid_at
        from instants
        inner join
            failures
            on instants.network_id = failures.network_id
            and instants.asset_id = failures.asset_id
            and instants.valid_at <= failures.failed_at
            and instants.valid_at + interval ({{ var("failure_label_days") }}) day
            > failures.failed_at
        group by instants.network_id, instants.asset_id, instants.valid_at
    ),
    weekly as (
        select
            instants.network_id,
            instants.asset_id,
            instants.valid_at,
            instants.valid_at as available_at,
            date_diff('day', instants.installed_on, cast(instants.valid_at as date))
            / 365.25 as age_years,
            instants.rated_mva,
            condition.mean_load_share_28d,
            condition.peak_load_share_28d,
            condition.peak_hot_spot_degc_28d,
            condition.mean_top_oil_residual_k_28d,
            condition.mean_vibration_mm_s_28d,
            condition.vibration_change_mm_s,
            condition.mean_hydrogen_ppm_28d,
            condition.mean_methane_ppm_28d,
            condition.mean_ethane_ppm_28d,
            condition.mean_ethylene_ppm_28d,
            condition.mean_acetylene_ppm_28d,
            condition.hydrogen_change_ppm,
            coalesce(
                maintenance.corrective_work_order_count_365d, 0
            ) as corrective_work_order_count_365d,
            date_diff('hour', maintenance.last_maintained_at, instants.valid_at)
            / 24.0 as days_since_maintenance,
            condition.reading_share_28d,
            case
                when upcoming.asset_id is not null
                then true
                when
                    instants.valid_at + interval ({{ var("failure_label_days") }}) day
                    <= instants.transformer_horizon_at
                then false
            end as has_failed_within_28_days,
            instants.is_live,
            instants.is_fallback
            or condition.is_fallback
            or coalesce(maintenance.is_fallback, false) as is_fallback
        from instants
        inner join
            condition
            on instants.network_id = condition.network_id
            and instants.asset_id = condition.asset_id
            and instants.valid_at = condition.valid_at
        left join
            maintenance
            on instants.network_id = maintenance.network_id
            and instants.asset_id = maintenance.asset_id
            and instants.valid_at = maintenance.valid_at
        left join
            upcoming
            on instants.network_id = upcoming.network_id
            and instants.asset_id = upcoming.asset_id
            and instants.valid_at = upcoming.valid_at
        where condition.day_count_28d > 0
    )
select *
from weekly
