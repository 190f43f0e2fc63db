"""Steps that misbehave, at the top of a module so that another process finds them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from flows.errors import AssetError


def busy(_context: Any) -> None:
    """Compute for ever without ever letting go of the interpreter for long."""
    number = 0
    while True:
        number += 1


def sleeping(_context: Any) -> None:
    time.sleep(600)


def asking(context: Any) -> None:
    """Read and write through the owner."""
    context.notes.append("read before writing")
    context.write(context.read("raw/a") + 1, model_version=context.partition_key)


def waiting_for_a_query(context: Any) -> None:
    context.read("slow")


def failing(_context: Any) -> None:
    raise AssetError("the solver is busy", is_retryable=True)


def dying(_context: Any) -> None:
    os._exit(9)


def writing_later(context: Any) -> None:
    """Say who this is, compute for a while, write."""
    Path(context.partition_key).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(1.5)
    context.write("late", model_version="")
