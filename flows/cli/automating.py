"""The command that shows when assets are made without being asked for: automation."""

from __future__ import annotations

from typing import Any

import typer

from flows.cli.output import JsonOption, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(automation)


def automation(*, as_json: JsonOption = False) -> None:
    """List the condition of each asset and what it asks for now. Changes nothing; `deploy` acts on it."""
    from flows.cli.running import pipeline
    from flows.engine.planning.ticking import conditions_now

    rows: list[dict[str, Any]] = conditions_now(pipeline())
    if as_json:
        print_json(rows)
        return
    print_table(
        ("asset", "condition", "partition", "now", "why"),
        [line for row in rows for line in _lines(row)],
    )


def _lines(row: dict[str, Any]) -> list[tuple[str, ...]]:
    asks = [(each["partition_key"], "asks", each["reason"]) for each in row["asks"]]
    held = [(each["partition_key"], "held back", each["held_because"]) for each in row["held"]]
    return [(row["asset_key"], row["condition"], *each) for each in (*asks, *held) or (("", "", ""),)]
