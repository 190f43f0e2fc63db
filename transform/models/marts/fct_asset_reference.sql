with
    crosswalk as (select * from {{ ref("int_asset_crosswalk") }}),
    work_orders as (select * from {{ ref("int_eam_work_orders_matched") }}),
    outages as (select * from {{ ref("int_oms_outages_deduplicated") }}),
    oil_tests as (select * from {{ ref("int_lab_oil_tests_deduplicated") }}),
    customers as (select * from {{ ref("int_cis_customers_deduplicated") }}),
    known_ids as (select distinct network_id, asset_id from crosswalk),
    registers as (select distinct network_id from crosswalk),
    -- An outage without a unit is one of a line: no id is missing there. Service points have no
    -- date: they name the unit of today.
    named as (
        select
            'eam_work_orders' as raw_table,
            network_id,
            work_order_id as record_id,
            asset_id,
            opened_at as event_at,
            _is_fallback as is_fallback
        from work_orders
        where _parse_error is null
        union all
        select
            'oms_outages' as raw_table,
            network_id,
            outage_id as record_id,
            asset_id,
            started_at as event_at,
            _is_fallback as is_fallback
        from outages
        where asset_id is not null
        union all
        select
            'lab_oil_tests' as raw_table,
            network_id,
            sample_id as record_id,
            asset_id,
            sampled_at as event_at,
            _is_fallback as is_fallback
        from oil_tests
        union all
        select
            'cis_customers' as raw_table,
            network_id,
            customer_id as record_id,
            asset_id,
            timestamptz '9999-01-01 00:00:00+00' as event_at,
            _is_fallback as is_fallback
        from customers
    ),
    resolved as (
        select
            named.raw_table,
            named.network_id,
            coalesce(named.asset_id, '(none)') as asset_id,
            coalesce(crosswalk.asset_key, '(none)') as asset_key,
            case
                when named.asset_id is null
                then 'missing'
                when registers.network_id is null
                then 'no_register'
                when known_ids.asset_id is null
                then 'orphan'
                when named.event_at is null
                then 'undated'
                when crosswalk.asset_key is null
                then 'before_installation'
                when crosswalk.is_asset_id_reused
                then 'reused'
                else 'matched'
            end as reference_type,
            named.is_fallback or coalesce(crosswalk.is_fallback, false) as is_fallback
        from named
        left join registers on named.network_id = registers.network_id
        left join
            known_ids
            on named.network_id = known_ids.network_id
            and named.asset_id = known_ids.asset_id
        left join
            crosswalk
            on named.network_id = crosswalk.network_id
            and named.asset_id = crosswalk.asset_id
            and named.event_at >= crosswalk.valid_from
            and (crosswalk.valid_to is null or named.event_at < crosswalk.valid_to)
    ),
    facts as (
        select
            network_id,
            raw_table,
            asset_id,
            asset_key,
            reference_type,
            cast(count(*) as integer) as row_count,
            bool_or(is_fallback) as is_fallback
        from resolved
        group by network_id, raw_table, asset_id, asset_key, reference_type
    )
select *
from facts
