with
    readings as (select * from {{ ref("int_scada_load_readings_deduplicated") }}),
    networks as (select * from {{ ref("int_networks_resolved") }}),
    series_time_zones as (select * from {{ ref("ref_series_time_zones") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    substations as (select * from {{ ref("int_gis_substations_deduplicated") }}),
    series as (
        select
            network_id,
            series_id,
            min(series_type) as series_type,
            min(interval_minutes) as interval_minutes,
            min(interval_start_at) as first_interval_at,
            max(interval_start_at) as last_interval_at,
            median(load_mw) filter (where load_mw > 0) as median_load_mw,
            coalesce(avg(cast(load_mw < 0 as integer)), 0) as negative_share,
            bool_or(_is_fallback) as is_fallback
        from readings
        group by network_id, series_id
    ),
    -- A feeder sees the weather of its substation's station; zones and systems the mean of the
    -- network.
    resolved as (
        select
            series.network_id,
            series.series_id,
            series.series_type,
            series.interval_minutes,
            series.first_interval_at,
            series.last_interval_at,
            series.median_load_mw,
            coalesce(
                case when series.series_type = 'feeder' then substations.station_id end,
                '{{ var("network_area_id") }}'
            ) as area_id,
            coalesce(series_time_zones.time_zone, networks.time_zone) as time_zone,
            series.negative_share > {{ var("feed_in_negative_share") }} as has_feed_in,
            series.is_fallback
        from series
        inner join networks on series.network_id = networks.network_id
        left join
            series_time_zones
            on series.network_id = series_time_zones.network_id
            and series.series_id = series_time_zones.series_id
        left join
            feeders
            on series.network_id = feeders.network_id
            and series.series_id = feeders.feeder_id
        left join
            substations
            on feeders.network_id = substations.network_id
            and feeders.substation_id = substations.substation_id
    )
select *
from resolved
