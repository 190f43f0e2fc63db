"""Reconciling scores with the outbox: is each score that calls for a message accounted for?

What lives here: what should have a message, straight from the scores, one SQL file per score, and comparing that with
the outbox. What does not: making messages (../making.py). The reports in between are left out on purpose: a report that
lost a row, or was not made from the last scores, is what this finds.

Decision: "nothing was sent" must be a decision somebody can read, never an accident that nobody sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

from flows.delivery.message_types import MESSAGE_TYPES
from flows.errors import ConfigurationError
from flows.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

    from flows.delivery.targets import Target

THRESHOLDS = ("raised_failure_probability", "work_order_fleet_share")
"""Variables of the dbt project that decide what is on the lists."""
_FORECAST_TABLES = ("ml.load_forecast", "marts.dim_networks")

_ACCOUNT = """
with expected as ({expected}),
last_message as (
    select
        business_key,
        arg_max(verb, revision) as verb,
        arg_max(state, revision) as state,
        arg_max(coalesce(state_reason, ''), revision) as state_reason,
        arg_max(message_id::varchar, revision) as message_id
    from lineage.outbox_message
    where message_type = $message_type and target = $target
    group by business_key
)
select
    expected.business_key,
    expected.why,
    last_message.message_id,
    case
        when last_message.message_id is null then 'unexplained'
        when last_message.verb = 'cancel' or last_message.state = 'CANCELLED' then 'unexplained'
        when last_message.state = 'SENT' then 'sent'
        when last_message.state = 'DROPPED' and last_message.state_reason <> '' then 'suppressed'
        when last_message.state in ('QUEUED', 'WAITING_APPROVAL', 'DEAD') then 'queued'
        else 'unexplained'
    end as account,
    case
        when last_message.message_id is null then 'no message was ever made'
        else trim(concat_ws(' ', last_message.verb, last_message.state, last_message.state_reason))
    end as found
from expected
left join last_message on last_message.business_key = expected.business_key
order by expected.business_key
"""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Which scores call for a message of one kind.

    Args:
        sql: Name of the SQL file beside this one: a business key and why, row by row.
        tables: What it reads; without them nothing calls.
        values: Its parameters, beside the thresholds it names.
    """

    sql: str
    tables: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)


CALLS = {
    "work_request": Calls(sql="work_request", tables=("ml.transformer_failure_scores",)),
    "crew_assignment": Calls(sql="crew_assignment", tables=("ml.outage_risk_scores", "marts.dim_feeders")),
    "market_bid": Calls(sql="load_forecast", tables=_FORECAST_TABLES, values={"series_type": "system"}),
    "voltage_schedule": Calls(sql="load_forecast", tables=_FORECAST_TABLES, values={"series_type": "feeder"}),
}
"""By kind of message."""


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """What became of the scores that call for a message.

    Args:
        accounts: By target, kind and account (sent, queued, suppressed, unexplained): how many.
        unexplained: Each that nothing accounts for.
        unasked: Kinds of messages that no target takes.
    """

    accounts: list[dict[str, Any]]
    unexplained: list[dict[str, str]]
    unasked: list[str]


def reconcile(
    reader: duckdb.DuckDBPyConnection, targets: Mapping[str, Target], *, transform_dir: Path
) -> Reconciliation:
    """Compare the last live scores with the outbox.

    Args:
        reader: The warehouse's cursor, or the published state.
        targets: All targets.
        transform_dir: The dbt project, whose variables are the thresholds.
    """
    thresholds = read_thresholds(transform_dir)
    accounts: list[dict[str, Any]] = []
    unexplained: list[dict[str, str]] = []
    for target in targets.values():
        for name in target.messages:
            if not _are_there(reader, CALLS[name].tables):
                continue
            found = _account(reader, name, target.name, thresholds)
            for account in ("sent", "queued", "suppressed", "unexplained"):
                count = sum(each["account"] == account for each in found)
                if count:
                    accounts.append({"target": target.name, "message_type": name, "account": account, "scores": count})
            unexplained += [
                {"target": target.name, "message_type": name}
                | {fact: each[fact] for fact in ("business_key", "why", "found")}
                for each in found
                if each["account"] == "unexplained"
            ]
    taken = {name for target in targets.values() for name in target.messages}
    return Reconciliation(
        accounts=accounts, unexplained=unexplained, unasked=[name for name in MESSAGE_TYPES if name not in taken]
    )


def read_thresholds(transform_dir: Path) -> dict[str, float]:
    """Read the variables that decide what is on the lists.

    Raises:
        ConfigurationError: One of them is missing.
    """
    path = transform_dir / "dbt_project.yml"
    variables = (parse_yaml(path.read_text(encoding="utf-8")) or {}).get("vars") or {}
    missing = [name for name in THRESHOLDS if name not in variables]
    if missing:
        raise ConfigurationError(
            f"{path.name} has no variable {', '.join(missing)}; the outbox cannot be reconciled without.",
            hint="add it under vars",
        )
    return {name: float(variables[name]) for name in THRESHOLDS}


def _account(
    reader: duckdb.DuckDBPyConnection, name: str, target: str, thresholds: Mapping[str, float]
) -> list[dict[str, str]]:
    """Account for each score of one kind."""
    calls = CALLS[name]
    expected = resources.files(__name__).joinpath(f"{calls.sql}.sql").read_text(encoding="utf-8")
    values: dict[str, object] = {"message_type": name, "target": target, **calls.values}
    values |= {key: value for key, value in thresholds.items() if f"${key}" in expected}
    answer = reader.execute(_ACCOUNT.format(expected=expected), values)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _are_there(reader: duckdb.DuckDBPyConnection, tables: tuple[str, ...]) -> bool:
    """Tell whether all tables exist, as tables or as a reader's views."""
    there = reader.execute(
        "select count(distinct table_schema || '.' || table_name) from information_schema.tables"
        " where table_schema || '.' || table_name in (select unnest(?::varchar[]))",
        [list(tables)],
    ).fetchone()
    return there is not None and there[0] == len(tables)
