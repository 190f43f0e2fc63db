with
    outages as (select * from {{ ref("int_oms_outages_deduplicated") }}),
    causes as (select * from {{ ref("int_outage_causes_mapped") }}),
    feeders as (select * from {{ ref("int_gis_feeders_deduplicated") }}),
    transformers as (select * from {{ ref("int_eam_transformers_deduplicated") }}),
    mapped_networks as (select distinct network_id from feeders),
    asset_feeders as (
        select
            network_id,
            asset_id,
            arg_max(feeder_id, coalesce(installed_on, date '1900-01-01')) as feeder_id
        from transformers
        group by network_id, asset_id
    ),
    -- A feeder the map does not know is an orphan; the failed unit may tell the true one. What the
    -- source says of planned work wins over what its wording suggests.
    classified as (
        select
            outages.network_id,
            outages.outage_id,
            case
                when mapped_networks.network_id is null or feeders.feeder_id is not null
                then outages.feeder_id
                else asset_feeders.feeder_id
            end as feeder_id,
            outages.asset_id,
            outages.started_at,
            greatest(outages.started_at, outages.first_reported_at) as first_known_at,
            case
                when
                    outages.restored_at >= outages.started_at
                    and not coalesce(
                        outages.restored_at
                        > outages._ingested_at
                        + interval ({{ var("future_tolerance_hours") }}) hour,
                        false
                    )
                then outages.restored_at
            end as restored_at,
            outages.first_estimated_restoration_at,
            case
                when outages.customers_out_count >= 0 then outages.customers_out_count
            end as customers_out_count,
            outages.cause_text,
            coalesce(causes.cause_type, 'unknown') as cause_type,
            outages.first_cause_text,
            case
                when outages.first_cause_text is not null
                then coalesce(first_causes.cause_type, 'unknown')
            end as first_cause_type,
            outages.latitude,
            outages.longitude,
            coalesce(outages.is_planned, causes.is_planned, false) as is_planned,
            coalesce(causes.is_weather, false) as is_weather,
            coalesce(outages.restored_at < outages.started_at, false) as is_restored_before_start,
            coalesce(
                outages.first_reported_at < outages.started_at, false
            ) as is_reported_before_start,
            coalesce(outages.customers_out_count < 0, false) as is_customers_out_impossible,
            mapped_networks.network_id is not null
            and feeders.feeder_id is null
            and outages.feeder_id is not null as is_feeder_orphan,
            count(*) over (partition by outages.network_id, outages.outage_id)
            > 1 as is_outage_id_reused,
            outages._load_id,
            outages._is_fallback as is_fallback
        from outages
        left join causes on outages.cause_text = causes.cause_text
        left join causes as first_causes on outages.first_cause_text = first_causes.cause_text
        left join mapped_networks on outages.network_id = mapped_networks.network_id
        left join
            feeders
            on outages.network_id = feeders.network_id
            and outages.feeder_id = feeders.feeder_id
        left join
            asset_feeders
            on outages.network_id = asset_feeders.network_id
            and outages.asset_id = asset_feeders.asset_id
    )
select *
from classified
