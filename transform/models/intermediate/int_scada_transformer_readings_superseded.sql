{{
    config(
        materialized="incremental",
        incremental_strategy="days",
        on_schema_change="fail",
        pre_hook="{{ choose_days() }}",
    )
}}

with
    delivered as (select * from {{ ref("stg_scada__transformer_readings") }}),
    readings as (select * from {{ ref("int_scada_transformer_readings_matched") }}),
    usable as (
        select
            network_id,
            asset_id,
            reading_at,
            reading_date,
            received_at,
            _load_id,
            _source_file,
            _source_row,
            _ingested_at,
            hash(network_id, asset_id, reading_at) as key_hash
        from readings
        where
            {{ in_days("reading_date") }}
            and {{ quarantine_reason("scada_transformer_readings") }} is null
    ),
    -- A window over all readings costs four times as much; only keys that occur twice are ranked.
    -- They are found by hash among all rows, usable or not, so little is read and nothing is kept:
    -- a collision only brings in rows that then rank first of their own key.
    keyed as (
        select hash(network_id, asset_id, reading_at) as key_hash
        from delivered
        where {{ in_days("reading_date") }}
    ),
    repeated_keys as (select key_hash from keyed group by key_hash having count(*) > 1),
    competing as (
        select
            usable.network_id,
            usable.asset_id,
            usable.reading_at,
            usable.reading_date,
            usable.received_at,
            usable._load_id,
            usable._source_file,
            usable._source_row,
            usable._ingested_at
        from usable
        semi join repeated_keys on usable.key_hash = repeated_keys.key_hash
    ),
    -- The losers of each key; the winner stays in the readings.
    superseded as (
        select network_id, asset_id, reading_at, reading_date, _load_id, _source_file, _source_row
        from competing
        qualify
            row_number() over (
                partition by {{ natural_key("scada_transformer_readings") }}
                order by {{ latest_first("scada_transformer_readings") }}
            )
            > 1
    )
select *
from superseded
