"""Commands about models: evaluate, models, promote, rollback."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.output import JsonOption, print_json, print_table
from flows.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.registry import ModelRegistry, RegisteredModel


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (evaluate, models, promote, rollback):
        app.command()(command)


def evaluate(
    use_case: Annotated[str, typer.Argument(help="Use case, for example load_forecast.")],
    *,
    from_day: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First test day.")] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Day after the last.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Test a use case out of time on what has been ingested: figures beside the baseline's."""
    from flows.engine.evaluation import evaluate_use_case
    from flows.settings import get_settings

    rows = evaluate_use_case(get_settings(), use_case, from_day=from_day, to_day=to_day)
    if as_json:
        print_json({"use_case": use_case, "rows": [row.as_json() for row in rows]})
        return
    print_table(
        ("series", "metric", "unit", "value", "baseline", "incumbent", "test from", "test to", "n"),
        [
            (
                row.series_id,
                row.metric,
                row.unit,
                _figure(row.value),
                _figure(row.baseline),
                _figure(row.incumbent),
                f"{row.test_from:%Y-%m-%d}",
                f"{row.test_to:%Y-%m-%d}",
                f"{row.n:,}",
            )
            for row in rows
        ],
    )


def models(
    name: Annotated[str | None, typer.Argument(help="One use case; none shows all.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show the registry: versions, figures, champion."""
    from flows.cli.running import pipeline

    registry = pipeline().registry()
    known = registry.names()
    if name is not None and name not in known:
        raise UsageError(f"The registry holds no model {name!r}; it holds {', '.join(known) or 'none yet'}.")
    rows: list[dict[str, Any]] = []
    for each in (name,) if name else known:
        champion = registry.champion(each)
        rows.extend(
            {
                "name": each,
                "version": version.version,
                "model_version": version.model_version,
                "is_champion": champion is not None and version.version == champion.version,
                "artifact_sha256": version.artifact_sha256,
                "metrics": dict(version.metrics),
            }
            for version in registry.versions(each)
        )
    if as_json:
        print_json(rows)
        return
    print_table(
        ("model", "version", "champion", "figures"),
        [
            (
                row["name"],
                row["model_version"],
                "champion" if row["is_champion"] else "",
                ", ".join(f"{key} {value:.4g}" for key, value in row["metrics"].items()),
            )
            for row in rows
        ],
    )


def promote(
    name: Annotated[str, typer.Argument(help="Use case.")],
    version: Annotated[int, typer.Argument(help="Version that is to score.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept with the version.")],
) -> None:
    """Make a version the champion."""
    _change(name, lambda registry: registry.promote(name, version, reason=reason), reason=reason)
    typer.echo(f"{name}: version {version} scores from the next run on")


def rollback(
    name: Annotated[str, typer.Argument(help="Use case.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
) -> None:
    """Make the champion's predecessor the champion again."""
    _change(name, lambda registry: registry.rollback(name), reason=reason)
    typer.echo(f"{name}: the previous version scores from the next run on")


def _change(name: str, change: Callable[[ModelRegistry], RegisteredModel], *, reason: str) -> None:
    from flows.cli.running import pipeline
    from flows.delivery.deciding import person

    pipeline().change_champion(name, change, reason=reason, actor=person())


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
