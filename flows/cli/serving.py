"""Commands for the scoring API: api, and keys add, list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table

keys = typer.Typer(help="Keys of the scoring API: made, listed, revoked.", no_args_is_help=True)

DEFAULT_DAYS = 90.0


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(api)
    app.add_typer(keys, name="keys")


def api(
    *,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port instead of the configured one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; any but loopback needs TLS.")] = None,
) -> None:
    """Serve scores, forecasts and lineage over HTTP until stopped; keys come from `gridweave keys add`."""
    from flows.settings import get_settings
    from ml.serving.server import serve

    chosen = {"api_port": port, "api_host": host}
    settings = get_settings().model_copy(update={name: value for name, value in chosen.items() if value is not None})
    serve(settings, typer.echo)


@keys.command()
def add(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    scope: Annotated[list[str], typer.Option(help="What it may ask for, once each: score, forecast, lineage.")],
    expires_days: Annotated[float, typer.Option(min=0.0, max=3_660.0, help="Days until it ends.")] = DEFAULT_DAYS,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, once: only its hash is stored."""
    from flows.settings import get_settings
    from ml.serving.keys import KeyStore

    secret = KeyStore(get_settings().serving_dir).add(name, scopes=tuple(scope), expires_days=expires_days)
    if as_json:
        print_json({"name": name, "key": secret, "scopes": scope, "expires_days": expires_days})
        return
    typer.echo(secret)
    typer.echo("hint:  it is not shown again; send it as Authorization: Bearer KEY", err=True)


@keys.command("list")
def list_keys(*, as_json: JsonOption = False) -> None:
    """List keys without their secrets."""
    from flows.clock import utc_now
    from flows.settings import get_settings
    from ml.serving.keys import KeyStore

    rows = [
        {
            "name": each.name,
            "scopes": list(each.scopes),
            "created_at": each.created_at,
            "expires_at": each.expires_at,
            "state": "revoked" if each.revoked_at else "expired" if each.is_over(utc_now()) else "valid",
        }
        for each in KeyStore(get_settings().serving_dir).all()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("key", "scopes", "created", "expires", "state"),
            [
                (row["name"], ", ".join(row["scopes"]), *(row[k] for k in ("created_at", "expires_at", "state")))
                for row in rows
            ],
        )


@keys.command()
def revoke(name: Annotated[str, typer.Argument(help="Key to end.")]) -> None:
    """End a key; a running API refuses it at once."""
    from flows.settings import get_settings
    from ml.serving.keys import KeyStore

    KeyStore(get_settings().serving_dir).revoke(name)
    typer.echo(f"{name}: revoked")
