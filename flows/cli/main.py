"""`gridweave`: the command line's entry point.

What lives here: the list of commands and what becomes of errors. What does not: the commands (one module per theme
beside this one). Nothing heavy is imported before a command needs it: `gridweave --help` answers in under 0.5 s.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from flows.cli import audit, looking, models, running, services
from flows.errors import GridweaveError

app = typer.Typer(
    name="gridweave",
    help="Asset-lineage pipeline for electric utilities: land, check, transform, model, publish, explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

running.register(app)
looking.register(app)
audit.register(app)
models.register(app)
services.register(app)


@app.callback()
def configure(
    *,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show log lines on standard error.")
    ] = False,
) -> None:
    """Set up logging for all commands."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def main() -> None:
    """Run a command; errors made on purpose become one clear message and their exit code."""
    try:
        app(standalone_mode=True)
    except GridweaveError as error:
        typer.secho(f"error: {error.message}", fg="red", err=True)
        if error.hint:
            typer.secho(f"hint:  {error.hint}", err=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
