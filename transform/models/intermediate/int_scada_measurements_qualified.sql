with
    measurements as (select * from {{ ref("int_scada_measurements_deduplicated") }}),
    qualities as (select * from {{ ref("int_measurement_qualities_resolved") }}),
    -- Without a protocol no code can be read.
    coded as (
        select
            network_id,
            coalesce(lower(trim(protocol)), '(none)') as protocol,
            measured_at,
            tag_id,
            rtu_id,
            case
                when lower(trim(protocol)) = 'pi' and try_cast(value_text as double) is null
                then coalesce(lower(trim(value_text)), '')
                else coalesce(lower(trim(quality_code)), '')
            end as quality_code,
            try_cast(value_text as double) is null as is_not_a_number,
            _is_fallback
        from measurements
    ),
    qualified as (
        select
            coded.network_id,
            coded.tag_id,
            coded.rtu_id,
            coded.measured_at,
            coded.protocol,
            coalesce(qualities.quality, 'SUSPECT') as quality,
            coalesce(qualities.quality_reason, 'no protocol') as quality_reason,
            coded.is_not_a_number,
            coded._is_fallback
        from coded
        left join
            qualities
            on coded.protocol = qualities.protocol
            and coded.quality_code = qualities.quality_code
    )
select *
from qualified
