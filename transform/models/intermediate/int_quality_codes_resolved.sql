with
    quality_codes as (select * from {{ ref("ref_quality_codes") }}),
    -- All 256 values of the one-byte DNP3 flags, so that the readings need one join and no bit
    -- arithmetic.
    flag_values as (select unnest(range(256)) as flag_value),
    matched as (
        select flag_values.flag_value, quality_codes.quality, quality_codes.severity
        from flag_values
        inner join
            quality_codes
            on quality_codes.protocol = 'dnp3'
            and (
                quality_codes.code_type = 'bit'
                and (flag_values.flag_value & quality_codes.code_value) <> 0
                or quality_codes.code_type = 'bit_clear'
                and (flag_values.flag_value & quality_codes.code_value) = 0
            )
    ),
    -- The worst bit decides; two bits of one severity have one quality.
    resolved as (
        select
            'dnp3' as protocol,
            printf('%02x', flag_value) as quality_code,
            arg_max(quality, severity) as quality
        from matched
        group by flag_value
    )
select *
from resolved
