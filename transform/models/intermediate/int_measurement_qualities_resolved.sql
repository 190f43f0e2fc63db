with
    measurements as (select * from {{ ref("int_scada_measurements_deduplicated") }}),
    quality_codes as (select * from {{ ref("ref_quality_codes") }}),
    -- PI puts a digital state where the value should be; the other protocols send a code.
    codes as (
        select distinct
            lower(trim(protocol)) as protocol,
            case
                when lower(trim(protocol)) = 'pi' and try_cast(value_text as double) is null
                then coalesce(lower(trim(value_text)), '')
                else coalesce(lower(trim(quality_code)), '')
            end as quality_code
        from measurements
    ),
    -- DNP3 and IEC 104 flags are two hex digits, OPC UA eight; OPC DA is decimal and its lowest two
    -- bits tell a limit, not a quality.
    parsed as (
        select
            protocol,
            quality_code,
            case
                when
                    protocol in ('dnp3', 'iec104')
                    and regexp_full_match(quality_code, '[0-9a-f]{2}')
                    or protocol = 'opcua'
                    and regexp_full_match(quality_code, '(0x)?[0-9a-f]{8}')
                then cast('0x' || replace(quality_code, '0x', '') as bigint)
                when protocol = 'opcda' and regexp_full_match(quality_code, '[0-9]{1,3}')
                then cast(quality_code as bigint) & 252
            end as code_number
        from codes
    ),
    words as (
        select protocol, quality_code, trim(unnest(string_split(quality_code, '|'))) as word
        from parsed
        where protocol in ('61850', 'pi') and quality_code <> ''
    ),
    known_bits as (
        select protocol, cast(sum(code_value) as bigint) as bit_mask
        from quality_codes
        where code_type = 'bit'
        group by protocol
    ),
    matched as (
        select
            parsed.protocol,
            parsed.quality_code,
            quality_codes.quality,
            quality_codes.code_name as quality_reason,
            quality_codes.severity,
            quality_codes.code_type = 'value' as is_exact
        from parsed
        inner join
            quality_codes
            on parsed.protocol = quality_codes.protocol
            and (
                quality_codes.code_type = 'bit'
                and (parsed.code_number & quality_codes.code_value) <> 0
                or quality_codes.code_type = 'bit_clear'
                and (parsed.code_number & quality_codes.code_value) = 0
                or quality_codes.code_type = 'value'
                and parsed.code_number = quality_codes.code_value
                or quality_codes.code_type = 'top_2_of_8'
                and (parsed.code_number >> 6) = quality_codes.code_value
                or quality_codes.code_type = 'top_2_of_32'
                and (parsed.code_number >> 30) = quality_codes.code_value
            )
        union all
        select
            words.protocol,
            words.quality_code,
            coalesce(quality_codes.quality, 'SUSPECT') as quality,
            coalesce(quality_codes.code_name, 'undefined code') as quality_reason,
            coalesce(quality_codes.severity, 2) as severity,
            false as is_exact
        from words
        left join
            quality_codes
            on words.protocol = quality_codes.protocol
            and quality_codes.code_type = 'text'
            and words.word = lower(quality_codes.code_name)
        union all
        select
            parsed.protocol,
            parsed.quality_code,
            'SUSPECT' as quality,
            'undefined code' as quality_reason,
            2 as severity,
            false as is_exact
        from parsed
        inner join known_bits on parsed.protocol = known_bits.protocol
        where (parsed.code_number & known_bits.bit_mask) <> parsed.code_number
    ),
    -- A code the standard lists as a whole means what it says there; else the worst part decides.
    worst as (
        select protocol, quality_code, quality, quality_reason
        from matched
        qualify
            row_number() over (
                partition by protocol, quality_code
                order by is_exact desc, severity desc, quality_reason asc
            )
            = 1
    ),
    resolved as (
        select
            parsed.protocol,
            parsed.quality_code,
            case
                when parsed.quality_code = '' then 'GOOD' else coalesce(worst.quality, 'SUSPECT')
            end as quality,
            case
                when parsed.quality_code = ''
                then 'not stated'
                else coalesce(worst.quality_reason, 'undefined code')
            end as quality_reason
        from parsed
        left join
            worst on parsed.protocol = worst.protocol and parsed.quality_code = worst.quality_code
    )
select *
from resolved
