with
    outages as (select * from {{ ref("int_oms_outages_deduplicated") }}),
    causes as (select * from {{ ref("int_outage_causes_mapped") }}),
    -- What the source says of planned work wins over what its wording suggests.
    classified as (
        select
            outages.network_id,
            outages.outage_id,
            outages.feeder_id,
            outages.asset_id,
            outages.started_at,
            greatest(outages.started_at, outages.first_reported_at) as first_known_at,
            case
                when outages.restored_at >= outages.started_at then outages.restored_at
            end as restored_at,
            outages.first_estimated_restoration_at,
            coalesce(outages.customers_out_count, 0) as customers_out_count,
            outages.cause_text,
            coalesce(causes.cause_type, 'unknown') as cause_type,
            outages.latitude,
            outages.longitude,
            coalesce(outages.is_planned, causes.is_planned, false) as is_planned,
            coalesce(causes.is_weather, false) as is_weather,
            coalesce(outages.restored_at < outages.started_at, false) as is_restored_before_start,
            count(*) over (partition by outages.network_id, outages.outage_id)
            > 1 as is_outage_id_reused,
            outages._load_id,
            outages._is_fallback as is_fallback
        from outages
        left join causes on outages.cause_text = causes.cause_text
    )
select *
from classified
