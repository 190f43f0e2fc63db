"""`gridweave`: the command line's entry point.

What lives here: the list of commands and what becomes of errors. What does not: the commands (one module per theme
beside this one). Nothing heavy is imported before a command needs it: `gridweave --help` answers in under 0.5 s.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from typing import Annotated

import typer

from flows.cli import (
    alerts,
    audit,
    automating,
    explaining,
    looking,
    models,
    outbox,
    pages,
    quality,
    recovering,
    reproducing,
    running,
    services,
    serving,
    streaming,
)
from flows.engine.steps.cancellation import EXIT_CODE, RunCancelled
from flows.errors import GridweaveError

logger = logging.getLogger(__name__)

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
quality.register(app)
explaining.register(app)
audit.register(app)
models.register(app)
automating.register(app)
reproducing.register(app)
recovering.register(app)
services.register(app)
pages.register(app)
outbox.register(app)
alerts.register(app)
serving.register(app)
streaming.register(app)


@app.callback()
def configure(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show log lines on standard error.")] = False,
) -> None:
    """Set up logging and file modes for all commands."""
    # what is below home is its owner's alone, also what libraries write there (Prefect's and MLflow's databases, logs);
    # whatever is started from here inherits it
    os.umask(0o077)
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
        code = 0
    except GridweaveError as error:
        typer.secho(f"error: {error.message}", fg="red", err=True)
        if error.hint:
            typer.secho(f"hint:  {error.hint}", err=True)
        code = error.exit_code
    except RunCancelled as cancelled:
        typer.secho(f"stopped: {cancelled.reason}", fg="yellow", err=True)
        typer.secho("hint:  gridweave status names the run; gridweave run --resume takes it up", err=True)
        code = EXIT_CODE
    except Exception as error:
        logger.info("unforeseen", exc_info=True)
        typer.secho(f"error: {type(error).__name__}: {error}", fg="red", err=True)
        typer.secho("hint:  this was not foreseen; `gridweave --verbose …` shows where it comes from", err=True)
        code = 1
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    _end(code)


def _end(code: int) -> None:
    """End the process after all exit handlers, without the interpreter's own teardown.

    DuckDB's binding prints a page of "leaked" lines during that teardown (measured with 2.0.0), which would bury the
    summary of every run.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - the public way runs them during the teardown only
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
