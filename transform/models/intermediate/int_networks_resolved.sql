with
    reference_networks as (select * from {{ ref("ref_networks") }}),
    load_readings as (select * from {{ ref("int_scada_load_readings_deduplicated") }}),
    transformer_days as (select * from {{ ref("int_transformer_readings_daily") }}),
    outages as (select * from {{ ref("int_oms_outages_deduplicated") }}),
    customers_out as (select * from {{ ref("int_oms_customers_out_readings_deduplicated") }}),
    events as (select * from {{ ref("int_scada_events_deduplicated") }}),
    alarms as (select * from {{ ref("int_scada_alarms_deduplicated") }}),
    observations as (select * from {{ ref("int_weather_observations_deduplicated") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    transformers as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    oil_tests as (select * from {{ ref("int_lab_oil_tests_deduplicated") }}),
    -- A network exists as soon as any system speaks of it.
    seen as (
        select network_id, bool_or(_is_fallback) as is_fallback
        from load_readings
        group by network_id
        union all
        select network_id, bool_or(is_fallback) as is_fallback
        from transformer_days
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from outages
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from customers_out
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from events
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from alarms
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from observations
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from feeders
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from transformers
        group by network_id
        union all
        select network_id, bool_or(_is_fallback) as is_fallback
        from oil_tests
        group by network_id
    ),
    networks as (
        select network_id, bool_or(is_fallback) as is_fallback from seen group by network_id
    ),
    -- A network the reference list does not know runs on UTC until somebody adds it.
    resolved as (
        select
            networks.network_id,
            coalesce(reference_networks.network_name, networks.network_id) as network_name,
            coalesce(reference_networks.time_zone, 'UTC') as time_zone,
            reference_networks.latitude,
            reference_networks.longitude,
            reference_networks.network_id is not null as is_in_reference,
            networks.is_fallback
        from networks
        left join reference_networks on networks.network_id = reference_networks.network_id
    )
select *
from resolved
