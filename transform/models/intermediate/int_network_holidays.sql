with
    delivered as (select * from {{ ref("int_calendar_days_deduplicated") }}),
    networks as (select * from {{ ref("ref_networks") }}),
    calendars as (select * from {{ ref("ref_holidays") }}),
    published as (
        select networks.network_id, calendars.local_date, calendars.holiday_name
        from networks
        inner join calendars on networks.holiday_calendar_id = calendars.calendar_id
    ),
    -- What a network delivers about a day counts before what is published for its country.
    holidays as (
        select
            coalesce(delivered.network_id, published.network_id) as network_id,
            coalesce(delivered.local_date, published.local_date) as local_date,
            coalesce(delivered.is_holiday, true) as is_holiday,
            coalesce(delivered.holiday_name, published.holiday_name) as holiday_name
        from delivered
        full outer join
            published
            on delivered.network_id = published.network_id
            and delivered.local_date = published.local_date
    )
select *
from holidays
