with
    outages as (select * from {{ ref("int_oms_outages_deduplicated") }}),
    causes as (select * from {{ ref("ref_outage_causes") }}),
    -- A few hundred wordings stand for all records: match each wording once.
    wordings as (
        select cause_text
        from outages
        where cause_text is not null
        union
        select first_cause_text as cause_text
        from outages
        where first_cause_text is not null
    ),
    matched as (
        select
            wordings.cause_text,
            causes.cause_type,
            causes.is_planned,
            causes.is_weather,
            causes.priority
        from wordings
        inner join causes on regexp_matches(lower(wordings.cause_text), causes.pattern)
    ),
    -- Several patterns may match; the lowest priority number wins.
    mapped as (
        select cause_text, cause_type, is_planned, is_weather
        from matched
        qualify row_number() over (partition by cause_text order by priority) = 1
    )
select *
from mapped
