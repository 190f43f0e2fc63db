"""Commands for what leaves gridweave: messages to the systems that act, and OpenLineage events: `gridweave outbox`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flows.cli.output import JsonOption, print_json, print_table, shown_progress
from flows.errors import UsageError

if TYPE_CHECKING:
    from flows.delivery.deciding import Decisions
    from flows.delivery.outbox import HandedOver
    from flows.engine.owned_run import OwnedRun
    from flows.engine.pipeline import Pipeline

Result = TypeVar("Result")
STATES = ("WAITING_APPROVAL", "QUEUED", "SENT", "DEAD", "SUPERSEDED", "CANCELLED", "DROPPED")
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Message ids, or their first eight characters.")]

outbox = typer.Typer(
    help="Messages to the systems that act on outputs: see, approve, send, retry, drop, reconcile.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(outbox, name="outbox")


@outbox.command(name="list")
def list_messages(
    *,
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}; none: what is open.")] = None,
    target: Annotated[str | None, typer.Option(help="Target in data/targets, without .yml.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List messages that are open, or in a state; and OpenLineage events that wait or were refused for good."""
    from flows.delivery.standing import counts, listed
    from flows.lineage.openlineage import waiting_count
    from flows.lineage.openlineage_refusals import refused_events
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    if state and state.upper() not in STATES:
        raise UsageError(f"No state {state!r}; expected one of {', '.join(STATES)}.", hint="leave it out for all")
    with open_reader(get_settings().published_dir) as reader:
        waiting, refused = waiting_count(reader), refused_events(reader)
        summary = counts(reader)
        messages = listed(reader, state=state.upper() if state else None, target=target)
    if as_json:
        print_json({"messages": messages, "counts": summary, "waiting": waiting, "refused": refused})
        return
    if summary:
        print_table(("target", "kind", "state", "messages", "since"), [tuple(each.values()) for each in summary])
    if messages:
        names = ("message_id", "target", "business_key", "revision", "verb", "state", "attempts", "state_reason")
        print_table(names, [tuple(each[name] for name in names) for each in messages], title="\nmessages")
    typer.echo(f"\n{waiting:,} OpenLineage events wait for the next run")
    if refused:
        print_table(("refused", "events", "first", "last", "since"), [tuple(each.values()) for each in refused])


@outbox.command()
def show(
    message_id: Annotated[str, typer.Argument(help="Its id, or the first eight characters.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell all about one message: what it says, each try, and who did what to it."""
    from flows.delivery.standing import shown
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    with open_reader(get_settings().published_dir) as reader:
        message = shown(reader, message_id)
    if as_json:
        print_json(message)
        return
    parts = {name: message.pop(name) for name in ("body", "tries", "history")}
    for name, value in message.items():
        if value is not None:
            typer.echo(f"{name:20} {value}")
    for title in ("tries", "history"):
        if parts[title]:
            print_table(tuple(parts[title][0]), [tuple(each.values()) for each in parts[title]], title=f"\n{title}")
    typer.echo("\nbody")
    print_json(parts["body"])


@outbox.command()
def approve(
    message_ids: IdsArgument = None,
    *,
    all_of: Annotated[str | None, typer.Option(help="Kind of message: all of it that wait.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let messages go that wait for a person; your name is kept with the decision, and they are sent at once."""
    from flows.delivery.message_types import MESSAGE_TYPES

    if bool(message_ids) == bool(all_of):
        raise UsageError("Approve needs ids, or --all-of with a kind.", hint="gridweave outbox list shows both")
    if all_of and all_of not in MESSAGE_TYPES:
        raise UsageError(f"No kind {all_of!r}; expected one of {', '.join(MESSAGE_TYPES)}.", hint="see outbox list")
    asked = {"action": "approve", "ids": message_ids or [], "all_of": all_of}
    count = _decide(asked, lambda decisions: decisions.approve(message_ids or (), message_type=all_of))
    _say({"approved": count}, f"{count:,} message(s) approved", as_json=as_json)


@outbox.command()
def retry(message_ids: IdsArgument = None, *, as_json: JsonOption = False) -> None:
    """Send again what was refused for good, after its cause was mended: messages, and OpenLineage events."""
    from flows.cli.running import pipeline
    from flows.lineage.openlineage import waiting_count
    from flows.lineage.openlineage_refusals import refused_events
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    asked = {"action": "retry", "ids": message_ids or []}
    messages, staying = _decide(asked, lambda decisions: decisions.retry(message_ids or ()))
    _say({"retried": messages, "staying": staying}, f"{messages:,} dead message(s) tried again", as_json=as_json)
    if not as_json:
        for reason in staying:
            typer.echo(f"  {reason}")
    if message_ids:
        return
    with open_reader(get_settings().published_dir) as reader:
        has_refused = bool(refused_events(reader))
    count = pipeline().retry_events() if has_refused else 0
    with open_reader(get_settings().published_dir) as reader:
        waiting, refused = waiting_count(reader), sum(each["events"] for each in refused_events(reader))
    if not as_json:
        typer.echo(f"{count:,} refused events tried again; {refused:,} are refused now, {waiting:,} wait")
    if refused:
        raise typer.Exit(1)


@outbox.command()
def drop(
    message_ids: Annotated[list[str], typer.Argument(help="Message ids, or their first eight characters.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger with your name.")],
    as_json: JsonOption = False,
) -> None:
    """Set messages aside for good: not sent, and not made again while the recommendation is the same."""
    if not reason.strip():
        raise UsageError("A message is not dropped without a reason.", hint='add --reason "why"')
    asked = {"action": "drop", "ids": message_ids, "reason": reason}
    count = _decide(asked, lambda decisions: decisions.drop(message_ids, reason=reason))
    _say({"dropped": count}, f"{count:,} message(s) dropped", as_json=as_json)


@outbox.command()
def deliver(*, as_json: JsonOption = False) -> None:
    """Send now what may go; exit 1 when a target takes nothing."""
    from flows.delivery.outbox import deliver as send
    from flows.settings import get_settings

    def sending(owned: OwnedRun) -> HandedOver:
        return send(owned.warehouse, get_settings(), run_id=owned.run_id, clock=pipeline.clock)

    pipeline = _pipeline()
    with shown_progress():
        done = pipeline.own("outbox", {"action": "deliver"}, sending)
    targets = [vars(each) for each in done.delivered]
    if as_json:
        print_json({"targets": targets, "notes": done.notes})
    else:
        rows = [(t["target"], t["counts"].get("ACKNOWLEDGED", 0), t["counts"].get("RETRY", 0),
                 t["counts"].get("REJECTED", 0), t["buried"], t["problem"]) for t in targets]  # fmt: skip
        print_table(("target", "sent", "to try again", "refused", "too late", "problem"), rows)
        for note in done.notes:
            typer.echo(f"  {note}")
    raise typer.Exit(int(any(each["problem"] for each in targets)))


@outbox.command()
def reconcile(*, as_json: JsonOption = False) -> None:
    """Account for each score that calls for a message: sent, queued or suppressed; exit 1 when one is unexplained."""
    from flows.delivery.reconciling import reconcile as account
    from flows.delivery.targets import load_targets
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    settings = get_settings()
    with open_reader(settings.published_dir) as reader:
        found = account(reader, load_targets(settings.targets_dir), transform_dir=settings.transform_dir)
    if as_json:
        print_json(vars(found))
    else:
        print_table(("target", "kind", "account", "scores"), [tuple(each.values()) for each in found.accounts])
        if found.unexplained:
            names = ("target", "message_type", "business_key", "why", "found")
            print_table(names, [tuple(each[n] for n in names) for each in found.unexplained], title="\nunexplained")
        for kind in found.unasked:
            typer.echo(f"no target takes {kind}")
    raise typer.Exit(int(bool(found.unexplained)))


def _decide(parameters: Mapping[str, object], decision: Callable[[Decisions], Result]) -> Result:
    """Record a decision under the name of who made it, then send what it lets go."""
    from flows.delivery.deciding import Decisions, person
    from flows.delivery.outbox import deliver as send
    from flows.settings import get_settings

    pipeline, actor = _pipeline(), person()

    def deciding(owned: OwnedRun) -> Result:
        decided = decision(Decisions(warehouse=owned.warehouse, run_id=owned.run_id, now=pipeline.clock(), actor=actor))
        send(owned.warehouse, get_settings(), run_id=owned.run_id, clock=pipeline.clock)
        return decided

    return pipeline.own("outbox", {**parameters, "by": actor}, deciding)


def _pipeline() -> Pipeline:
    """The pipeline of this installation."""
    from flows.cli.running import pipeline

    return pipeline()


def _say(facts: dict[str, object], sentence: str, *, as_json: bool) -> None:
    """Print what was done."""
    print_json(facts) if as_json else typer.echo(sentence)
