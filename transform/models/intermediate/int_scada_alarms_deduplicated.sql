{% set logged = [
    "network_id",
    "sequence_number",
    "event_at",
    "point_id",
    "state_code",
    "priority",
    "acknowledged_by",
    "operator_name",
    "command_type",
    "cause_of_transmission",
    "source_address",
    "received_at",
    "is_abnormal",
] %}
{% set delivery = [
    "_load_id",
    "_source",
    "_source_file",
    "_source_row",
    "_ingested_at",
    "_is_fallback",
] %}
{% set as_logged %}
    partition by network_id, _source
    order by coalesce(received_at, event_at), sequence_number, _load_id, _source_row
{% endset %}

with
    alarms as (select * from {{ ref("stg_scada__alarms") }}),
    judged as (
        select
            {{ logged | join(", ") }},
            {{ delivery | join(", ") }},
            {{ quarantine_reason("scada_alarms") }} as quarantine_reason
        from alarms
    ),
    -- Of rows with one key the first logged stays: sent again, a row says nothing new.
    singled as (
        select {{ logged | join(", ") }}, {{ delivery | join(", ") }}, quarantine_reason
        from judged
        qualify
            row_number() over (
                partition by {{ natural_key("scada_alarms") }}, quarantine_reason is null
                order by {{ latest_first("scada_alarms") }}
            )
            = 1
    ),
    -- The log counts rows as it takes them in, so only rows that say when that was can show a gap;
    -- a row that was set aside was counted, too.
    stepped as (
        select
            {{ logged | join(", ") }},
            {{ delivery | join(", ") }},
            quarantine_reason,
            case when received_at is not null then sequence_number end - lag(
                case when received_at is not null then sequence_number end ignore nulls
            ) over log_order as sequence_step
        from singled
        window log_order as ({{ as_logged }})
    ),
    -- What shows at a row that is set aside shows at the next that is not.
    summed as (
        select
            {{ logged | join(", ") }},
            {{ delivery | join(", ") }},
            quarantine_reason,
            sum(greatest(sequence_step - 1, 0)) over log_order as lost_row_count,
            count(case when sequence_step < 0 then 1 end) over log_order as restart_count
        from stepped
        window log_order as ({{ as_logged }})
    ),
    deduplicated as (
        select
            {{ logged | join(", ") }},
            coalesce(
                lost_row_count - lag(lost_row_count, 1, 0) over log_order, 0
            ) as missing_row_count,
            restart_count > lag(restart_count, 1, 0) over log_order as is_sequence_restarted,
            {{ delivery | join(", ") }}
        from summed
        where quarantine_reason is null
        window log_order as ({{ as_logged }})
    )
select *
from deduplicated
