"""The command of the streaming scorer: stream."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from flows.cli.output import JsonOption, print_json, print_table


class StreamSource(StrEnum):
    """What a stream can be read from."""

    SPOOL = "spool"
    NATS = "nats"
    REDIS = "redis"
    KAFKA = "kafka"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(stream)


def stream(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Simulated traffic through a spool; needs nothing.")] = False,
    source: Annotated[StreamSource | None, typer.Option(help="Kind of broker, or files below home.")] = None,
    url: Annotated[str | None, typer.Option(help="The broker. Give passwords by GRIDWEAVE_STREAM_URL instead.")] = None,
    name: Annotated[str | None, typer.Option("--stream", help="Stream, topic or spool to read.")] = None,
    subject: Annotated[str | None, typer.Option(help="NATS: subject of the stream.")] = None,
    consumer: Annotated[str | None, typer.Option(help="Name of the reader and of its sink.")] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End once everything was read.")] = False,
    replay_from: Annotated[
        str | None, typer.Option(help="Work again on what comes from this position on, as the broker writes it.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how the reader stands, and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Score messages of a broker as they come, until SIGTERM; each has its effect once."""
    from flows.errors import UsageError
    from flows.settings import get_settings
    from ml.streaming.running import Wish, run_stream, with_choices

    if demo and any((source, url, name, subject, consumer, until_empty, replay_from, status)):
        raise UsageError("--demo goes with no other option but --json.", hint="leave --demo out to read a stream")
    settings = with_choices(
        get_settings(),
        stream_source=source.value if source else None,
        stream_url=url,
        stream_name=name,
        stream_subject=subject,
        stream_consumer=consumer,
    )

    def tell(text: str) -> None:
        typer.echo(text, err=True)

    if demo:
        from ml.streaming.demo import run_demo

        said, alarms = run_demo(settings, tell)
        _print_alarms(alarms, as_json=as_json)
    elif status:
        from ml.streaming.sink import read_status

        found = read_status(settings.stream_dir, settings.stream_consumer, memory_gb=settings.duckdb_memory_gb)
        if found is None:
            raise UsageError(f"There is no consumer {settings.stream_consumer}.", hint="--consumer names another one")
        said = found
    else:
        said = run_stream(settings, Wish(until_empty=until_empty, replay_from=replay_from), tell)
    if as_json:
        print_json(said)
    else:
        print_table(("figure", "value"), _lines(said))


def _print_alarms(alarms: list[tuple[Any, ...]], *, as_json: bool) -> None:
    if not as_json:
        print_table(("window", "score", "messages", "driver"), alarms[:15], title="alarms, the strangest first")


def _lines(said: dict[str, Any]) -> list[tuple[str, Any]]:
    lines = []
    for name, value in said.items():
        parts = value.items() if isinstance(value, dict) else (("", value),)
        lines += [(f"{name} {part}".strip(), each) for part, each in parts]
    return lines
