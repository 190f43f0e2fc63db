with
    measurements as (select * from {{ ref("int_scada_measurements_qualified") }}),
    facts as (
        select
            network_id,
            protocol,
            cast(measured_at as date) as reading_date,
            quality,
            quality_reason,
            cast(count(distinct tag_id) as integer) as tag_count,
            cast(count(*) as integer) as reading_count,
            cast(count(*) filter (where is_not_a_number) as integer) as text_count,
            bool_or(_is_fallback) as is_fallback
        from measurements
        group by network_id, protocol, cast(measured_at as date), quality, quality_reason
    )
select *
from facts
