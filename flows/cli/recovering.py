"""Commands for after a loss, and for before one: backup, restore, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.output import JsonOption, print_json, shown_progress


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (backup, restore, rebuild):
        app.command()(command)


def backup(
    *,
    to: Annotated[Path, typer.Option(help="Folder of backups, best on another disk; what it has is not copied again.")],
    keep: Annotated[int | None, typer.Option(min=1, help="How many backups stay in the folder; none: all.")] = None,
    scrub: Annotated[
        bool, typer.Option(help="Read all the folder holds first; what is damaged there is set aside and copied anew.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy what this installation needs to come back: published state, ledger, lake, evidence, models, audit key."""
    from flows.clock import utc_now
    from flows.engine.recovery.backing_up import backup as back_up
    from flows.settings import get_settings

    with shown_progress() as say:
        made = back_up(get_settings(), to, kept=keep, is_scrubbing=scrub, clock=utc_now, on_progress=say)
    manifest = made.manifest
    if as_json:
        print_json(
            {
                "backup_id": manifest.backup_id,
                "files": len(manifest.files),
                "tables": len(manifest.tables),
                "new_files": made.new_count,
                "new_bytes": made.new_bytes,
                "seconds": made.seconds,
                "seconds_locked": made.seconds_locked,
                "mended": made.mended,
                "lost": made.lost,
                "not_dropped": made.not_dropped,
            }
        )
        return
    typer.echo(
        f"backup {manifest.backup_id}: {len(manifest.files)} files, {len(manifest.tables)} tables;"
        f" {made.new_count} files ({made.new_bytes:,} bytes) were new; {made.seconds:.1f} s,"
        f" {made.seconds_locked:.1f} s of it with the warehouse locked"
    )
    if made.mended:
        typer.echo(f"{made.mended} files were damaged in the folder and are written again: look after its disk")
    for each in made.lost:
        typer.echo(f"damaged, and not to be had from this home any more: {each}")
    if made.not_dropped:
        typer.echo(f"older backups were not removed: {made.not_dropped}; move that file away, or name another folder")


def restore(
    *,
    source: Annotated[Path, typer.Option("--from", help="Folder of backups.")],
    backup_id: Annotated[str | None, typer.Option("--backup", help="Which backup; none: the newest.")] = None,
    old_to: Annotated[
        Path | None, typer.Option(help="New folder for all that is there now; without it nothing may be there.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back, verified before anything is replaced. `gridweave rebuild` then makes the warehouse again."""
    from flows.clock import utc_now
    from flows.engine.recovery.restoring import restore as put_back
    from flows.settings import get_settings

    with shown_progress() as say:
        done = put_back(get_settings(), source, backup_id=backup_id, old_to=old_to, clock=utc_now, on_progress=say)
    manifest = done.manifest
    if as_json:
        print_json({"backup_id": manifest.backup_id, "created_at": manifest.created_at, "seconds": done.seconds})
        return
    typer.echo(
        f"backup {manifest.backup_id} is back: {len(manifest.files)} files and the rows of {len(manifest.tables)}"
        f" tables are as backed up at {manifest.created_at}; {done.seconds:.1f} s"
    )
    typer.echo("readers are served; gridweave rebuild makes the warehouse again, and runs can begin after that")


def rebuild(
    *,
    old_to: Annotated[
        Path | None, typer.Option(help="New file for the warehouse that is there now; without it none may be there.")
    ] = None,
    despite_findings: Annotated[
        bool, typer.Option(help="Go on though the ledger or a file is not as recorded; audit verify goes on naming it.")
    ] = False,
    take_differences: Annotated[
        bool, typer.Option(help="Take over tables that come out other than recorded; without it they are only named.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a lost warehouse again: ledger from its published copy, tables from the lake, scores from evidence."""
    from flows.cli.running import pipeline
    from flows.engine.recovery.rebuilding import rebuild as make_again

    with shown_progress():
        done = make_again(
            pipeline(), old_to=old_to, despite_findings=despite_findings, takes_differences=take_differences
        )
    summary = done.summary
    if as_json:
        facts = {"ledger": done.ledger.path.name, "entries": done.ledger.head.seq, "seconds": done.seconds}
        print_json({**summary.as_json(), **facts})
    else:
        typer.echo(
            f"{summary.status}: ledger of {done.ledger.head.seq:,} entries from {done.ledger.path.name},"
            f" {len(summary.materialized)} tables made again, {len(summary.failed)} failed or other than recorded;"
            f" {done.seconds:.1f} s"
        )
        for key, reason in {**summary.failed, **summary.blocked}.items():
            typer.echo(f"  {key}: {reason}")
        for note in summary.notes:
            typer.echo(f"  {note}")
    raise typer.Exit(summary.exit_code)
