"""A step in a process of its own, so that a time limit really ends it.

What lives here: the child process, the step's context on its side, and the limit. What does not: the real context,
which stays in the owner's process (context.py).

Decision: a process, not a thread. An exception raised into a thread never reaches one that sleeps or computes in C, and
a thread cannot be killed. The child computes; reading and writing are asked of the owner's process over a pipe, because
one process owns the warehouse. Killed at any moment it leaves nothing, since what it wrote is committed by the owner as
a whole or was never sent. A query that the owner runs for the step is interrupted at the limit too. It costs a start of
Python (0.1 s) and the copy of the frames, so only steps with `timeout_seconds` are run so.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import pickle
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.errors import AssetError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

logger = logging.getLogger(__name__)

SHARED_FACTS = ("definition", "run_id", "materialization_id", "partition_key", "environment_id")
CALLS = frozenset({"read", "version_of", "read_champion", "write", "record", "write_model", "keep_champion"})
"""What a step may ask of its context from its own process."""

_spawn = multiprocessing.get_context("spawn")  # forking a process with DuckDB's threads can hang
_alive: set[Any] = set()


class StepTimedOutError(AssetError):
    """A step took longer than it may.

    Args:
        asset_key: The asset.
        timeout_seconds: Its limit.
    """

    def __init__(self, *, asset_key: str, timeout_seconds: float) -> None:
        self.asset_key = asset_key
        self.timeout_seconds = timeout_seconds
        super().__init__(
            f"Asset {asset_key} was stopped after {timeout_seconds:g} s, its time limit. Nothing of it was written.",
            hint="raise timeout_seconds where the asset is declared, or give it less to do",
        )


class StepDiedError(AssetError):
    """The process of a step ended without a result, for example because memory ran out."""

    def __init__(self, *, asset_key: str, process_exit_code: int | None) -> None:
        self.asset_key = asset_key
        self.process_exit_code = process_exit_code
        super().__init__(
            f"The process of asset {asset_key} ended with {process_exit_code} and no result; nothing was written.",
            hint="-9 is the kernel's out-of-memory killer: look at dmesg",
            is_retryable=True,
        )


@dataclass
class RemoteContext:
    """A step's context inside the step's process: asks the owner for everything it does not know.

    Args:
        connection: Pipe to the owner.
        facts: Values that do not change while the step runs.
    """

    connection: Connection
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the real context has it
        """Return a fact, or a method that asks the owner."""
        if name in CALLS:
            return lambda *arguments, **named: self._ask(name, arguments, named)
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(f"a step with a time limit has no context.{name}")

    def _ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:  # noqa: ANN401 - any method
        self.connection.send(("call", name, arguments, named))
        outcome, value = self.connection.recv()
        if outcome == "raise":
            raise value
        return value


def run_in_own_process(
    step: Callable[[Any], Any],
    context: Any,  # noqa: ANN401 - any context of this shape
    *,
    timeout_seconds: float,
    interruption: Callable[[], AbstractContextManager[Callable[[], None]]],
) -> None:
    """Run a step in a process of its own and end it when its time is over.

    Args:
        step: The step's function; it must be found by its module and name.
        context: The real context; its methods are called in this thread.
        timeout_seconds: Limit over reading, computing and writing.
        interruption: Gives a function that interrupts this thread's queries from another thread.

    Raises:
        StepTimedOutError: The limit was reached.
        StepDiedError: The process ended by itself.
        Exception: What the step raised.
    """
    deadline = time.monotonic() + timeout_seconds
    ours, theirs = _spawn.Pipe()
    facts = {name: getattr(context, name) for name in SHARED_FACTS if name != "definition"}
    process = _spawn.Process(target=_work, args=(theirs, *_address(step), facts), daemon=True)
    process.start()
    _alive.add(process)
    theirs.close()
    try:
        _serve(ours, context, process, deadline, timeout_seconds, interruption)
    finally:
        _end(process)
        ours.close()


def kill_all() -> None:
    """End every step process at once; the run is being cancelled."""
    for process in tuple(_alive):
        process.kill()


def _serve(
    ours: Connection,
    context: Any,  # noqa: ANN401 - any context of this shape
    process: Any,  # noqa: ANN401 - its type differs by platform
    deadline: float,
    timeout_seconds: float,
    interruption: Callable[[], AbstractContextManager[Callable[[], None]]],
) -> None:
    """Answer what the step asks until it ends."""
    key = context.definition.key
    while True:
        if not ours.poll(max(deadline - time.monotonic(), 0)):
            raise StepTimedOutError(asset_key=key, timeout_seconds=timeout_seconds)
        try:
            kind, *rest = ours.recv()
        except EOFError:
            process.join(1)
            raise StepDiedError(asset_key=key, process_exit_code=process.exitcode) from None
        if kind == "done":
            context.notes.extend(rest[0])
            return
        if kind == "raise":
            raise rest[0]
        ours.send(_answer(context, rest[0], rest[1], rest[2], deadline, timeout_seconds, interruption))


def _answer(
    context: Any,  # noqa: ANN401 - any context of this shape
    name: str,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    deadline: float,
    timeout_seconds: float,
    interruption: Callable[[], AbstractContextManager[Callable[[], None]]],
) -> tuple[str, Any]:
    """Call the real context; its queries are interrupted when the time is over."""
    with interruption() as interrupt:
        alarm = threading.Timer(max(deadline - time.monotonic(), 0), interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            return "value", getattr(context, name)(*arguments, **named)
        except Exception as error:
            if time.monotonic() >= deadline:
                raise StepTimedOutError(asset_key=context.definition.key, timeout_seconds=timeout_seconds) from error
            return "raise", _portable(error)
        finally:
            alarm.cancel()


def _end(process: Any) -> None:  # noqa: ANN401 - its type differs by platform
    process.kill()
    process.join()
    process.close()
    _alive.discard(process)


def _address(step: Callable[[Any], Any]) -> tuple[str, str]:
    """Say where the child finds the step."""
    module, name = step.__module__, step.__qualname__
    if "<" in name or module == "__main__":
        raise ConfigurationError(
            f"Step {module}.{name} has a time limit but cannot be found by its name from another process.",
            hint="declare it at the top of a module",
        )
    return module, name


def _work(connection: Connection, module: str, name: str, facts: dict[str, Any]) -> None:
    """The child: find the step, run it, say how it ended."""
    threading.Thread(target=_end_with_owner, name="end-with-owner", daemon=True).start()
    try:
        definition, step = _found(module, name)
        context = RemoteContext(connection, {**facts, "definition": definition})
        step(context)
    except BaseException as error:  # noqa: BLE001 - the owner decides what an error means
        connection.send(("raise", _portable(error)))
    else:
        connection.send(("done", context.notes))
    finally:
        connection.close()


def _end_with_owner() -> None:
    """Do not outlive the owner: nobody would take the result, enforce the limit or free the memory."""
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)


def _found(module: str, name: str) -> tuple[Any, Callable[[Any], Any]]:
    """The step behind a name; its decorator put a definition, or several, in its place."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    definition = found[0] if isinstance(found, tuple) else found
    step: Any = getattr(definition, "step", definition)
    return definition, step


def _portable(error: BaseException) -> BaseException:
    """Return the error when it survives the pipe, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
    except Exception:  # noqa: BLE001 - whatever pickling a foreign error may raise
        is_retryable = bool(getattr(error, "is_retryable", False))
        message = str(getattr(error, "message", error))
        return AssetError(f"{type(error).__name__}: {message}", is_retryable=is_retryable)
    return error
