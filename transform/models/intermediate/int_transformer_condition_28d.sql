{% set gases = ["hydrogen", "methane", "ethane", "ethylene", "acetylene"] %}

with
    instants as (select * from {{ ref("int_transformer_as_of_instants") }}),
    transformer_days as (select * from {{ ref("int_transformer_readings_daily") }}),
    -- Days that ended at or before the instant: the 28 before it, and the 28 before those for
    -- changes.
    windowed as (
        select
            instants.network_id,
            instants.asset_id,
            instants.valid_at,
            transformer_days.reading_date
            >= cast(instants.valid_at - interval 28 day as date) as is_recent,
            transformer_days.mean_load_share,
            transformer_days.peak_load_share,
            transformer_days.peak_hot_spot_degc,
            transformer_days.mean_top_oil_residual_k,
            transformer_days.mean_vibration_mm_s,
            {% for gas in gases %} transformer_days.mean_{{ gas }}_ppm, {% endfor %}
            transformer_days.good_reading_count,
            transformer_days.is_fallback
        from instants
        inner join
            transformer_days
            on instants.network_id = transformer_days.network_id
            and instants.asset_id = transformer_days.asset_id
            and transformer_days.reading_date >= cast(instants.valid_at - interval 56 day as date)
            and transformer_days.reading_date < cast(instants.valid_at as date)
    ),
    condition as (
        select
            network_id,
            asset_id,
            valid_at,
            {{ exact_mean("mean_load_share", "is_recent") }} as mean_load_share_28d,
            max(peak_load_share) filter (where is_recent) as peak_load_share_28d,
            max(peak_hot_spot_degc) filter (where is_recent) as peak_hot_spot_degc_28d,
            {{ exact_mean("mean_top_oil_residual_k", "is_recent") }} as mean_top_oil_residual_k_28d,
            {{ exact_mean("mean_vibration_mm_s", "is_recent") }} as mean_vibration_mm_s_28d,
            {{ exact_mean("mean_vibration_mm_s", "is_recent") }}
            - {{ exact_mean("mean_vibration_mm_s", "not is_recent") }} as vibration_change_mm_s,
            {% for gas in gases %}
                {{ exact_mean("mean_" ~ gas ~ "_ppm", "is_recent") }} as mean_{{ gas }}_ppm_28d,
            {% endfor %}
            {{ exact_mean("mean_hydrogen_ppm", "is_recent") }}
            - {{ exact_mean("mean_hydrogen_ppm", "not is_recent") }} as hydrogen_change_ppm,
            coalesce(sum(good_reading_count) filter (where is_recent), 0)
            / (28 * 24.0) as reading_share_28d,
            cast(count(*) filter (where is_recent) as integer) as day_count_28d,
            bool_or(is_fallback) as is_fallback
        from windowed
        group by network_id, asset_id, valid_at
    )
select *
from condition
