with
    networks as (select * from {{ ref("int_networks_resolved") }}),
    horizons as (select * from {{ ref("int_network_horizons") }}),
    dimension as (
        select
            networks.network_id,
            networks.network_name,
            networks.time_zone,
            networks.latitude,
            networks.longitude,
            horizons.load_horizon_at,
            horizons.transformer_horizon_at,
            horizons.outage_horizon_at,
            horizons.weather_horizon_at,
            horizons.scada_horizon_at,
            networks.is_in_reference,
            networks.is_fallback
        from networks
        inner join horizons on networks.network_id = horizons.network_id
    )
select *
from dimension
