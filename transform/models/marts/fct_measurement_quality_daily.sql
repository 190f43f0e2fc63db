with
    measurements as (select * from {{ ref("int_scada_measurements_deduplicated") }}),
    qualities as (select * from {{ ref("int_measurement_qualities_resolved") }}),
    -- Without a protocol no code can be read.
    coded as (
        select
            network_id,
            coalesce(lower(trim(protocol)), '(none)') as protocol,
            cast(measured_at as date) as reading_date,
            tag_id,
            case
                when lower(trim(protocol)) = 'pi' and try_cast(value_text as double) is null
                then coalesce(lower(trim(value_text)), '')
                else coalesce(lower(trim(quality_code)), '')
            end as quality_code,
            try_cast(value_text as double) is null as is_not_a_number,
            _is_fallback
        from measurements
    ),
    facts as (
        select
            coded.network_id,
            coded.protocol,
            coded.reading_date,
            coalesce(qualities.quality, 'SUSPECT') as quality,
            coalesce(qualities.quality_reason, 'no protocol') as quality_reason,
            cast(count(distinct coded.tag_id) as integer) as tag_count,
            cast(count(*) as integer) as reading_count,
            cast(count(*) filter (where coded.is_not_a_number) as integer) as text_count,
            bool_or(coded._is_fallback) as is_fallback
        from coded
        left join
            qualities
            on coded.protocol = qualities.protocol
            and coded.quality_code = qualities.quality_code
        group by
            coded.network_id,
            coded.protocol,
            coded.reading_date,
            coalesce(qualities.quality, 'SUSPECT'),
            coalesce(qualities.quality_reason, 'no protocol')
    )
select *
from facts
