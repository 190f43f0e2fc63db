"""The error tree of gridweave.

    GridweaveError
    ├── ConfigurationError        a setting, source file or asset definition is wrong
    ├── UsageError                the command line was used wrongly (exit 2)
    ├── SourceError               something about a source system's files
    │   └── FileRejectedError     a file is malformed: file, row, reason
    ├── WarehouseError
    │   └── WarehouseBusyError    another process owns the warehouse (exit 4)
    ├── AssetError                an asset's step failed
    │   ├── UnknownAssetError
    │   ├── UndeclaredReadError
    │   └── UnreleasedInputError
    ├── GateBlockedError          a blocking check did not pass (exit 3)
    └── ModelError                training, loading or scoring a model failed

What lives here: the base classes and the errors that more than one package raises. An error that only one
package raises is defined in that package and derives from a class here.

Constructors take facts and keep them as attributes; the class writes the sentence. `is_retryable` is decided where
the error is raised: a retry can only help against something that passes by itself.
"""

from __future__ import annotations

from typing import ClassVar

from flows.printable import printable


class GridweaveError(Exception):
    """Base of everything gridweave raises on purpose.

    Args:
        message: What happened, to what, expected and found, in one or two sentences.
        hint: What to do next, or an empty string.
        is_retryable: True when the same call may succeed later without a change.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", is_retryable: bool = False) -> None:
        self.message = message
        self.hint = hint
        self.is_retryable = is_retryable
        super().__init__(f"{message}\nHint: {hint}" if hint else message)


class ConfigurationError(GridweaveError):
    """A setting, a source description or an asset definition is wrong."""

    exit_code: ClassVar[int] = 2


class UsageError(GridweaveError):
    """A command was called in a way it cannot serve."""

    exit_code: ClassVar[int] = 2


class SourceError(GridweaveError):
    """Something about a source system's files."""


class FileRejectedError(SourceError):
    """A delivered file is malformed and none of it was landed.

    Args:
        file_name: Name of the delivered file.
        reason: What is wrong with it; kept with what cannot be printed escaped.
        row: 1-based line or row of the first defect; None when the file as a whole is unreadable.
    """

    def __init__(self, *, file_name: str, reason: str, row: int | None = None) -> None:
        self.file_name = file_name
        self.reason = printable(reason)  # it may quote a header of the file
        self.row = row
        place = printable(file_name) if row is None else f"{printable(file_name)} row {row:,}"
        super().__init__(
            f"File {place} rejected: {self.reason}. Nothing of it was landed.",
            hint="mend or re-deliver the file, then run `gridweave ingest` again",
        )


class WarehouseError(GridweaveError):
    """The warehouse file cannot be used as asked."""


class WarehouseBusyError(WarehouseError):
    """Another process owns the warehouse.

    Args:
        path: The warehouse file.
        holder_pid: Process that holds the lock; None when it could not be read.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, *, path: str, holder_pid: int | None) -> None:
        self.path = path
        self.holder_pid = holder_pid
        super().__init__(
            f"Warehouse {path} is owned by process {holder_pid or 'unknown'}; one process at a time writes to it.",
            hint="wait for that run, rebuild or backup (seconds) to end; readers use the published snapshot",
            is_retryable=True,
        )


class AssetError(GridweaveError):
    """An asset's definition or step failed."""


class UnknownAssetError(AssetError):
    """A name matches no asset of the graph.

    Args:
        name: What was asked for.
        suggestions: Close matches, best first.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *, name: str, suggestions: tuple[str, ...] = ()) -> None:
        self.name = name
        self.suggestions = suggestions
        near = f"did you mean {', '.join(suggestions)}?" if suggestions else "`gridweave assets` lists them"
        super().__init__(f"No asset matches {name!r}.", hint=near)


class UndeclaredReadError(AssetError):
    """A step reads or writes an asset it did not declare.

    Args:
        asset_key: The asset whose step ran.
        upstream_key: What it touched without declaring it.
    """

    def __init__(self, *, asset_key: str, upstream_key: str) -> None:
        self.asset_key = asset_key
        self.upstream_key = upstream_key
        super().__init__(
            f"Asset {asset_key} reads {upstream_key}, which is not among its declared dependencies.",
            hint=f"add {upstream_key!r} to the deps of {asset_key}",
        )


class UnreleasedInputError(AssetError):
    """A step asked for an input whose blocking checks have not all passed.

    Args:
        asset_key: The asset whose step ran.
        upstream_key: The input that is not released.
    """

    def __init__(self, *, asset_key: str, upstream_key: str) -> None:
        self.asset_key = asset_key
        self.upstream_key = upstream_key
        super().__init__(
            f"Asset {asset_key} cannot read {upstream_key}: it has no released materialization.",
            hint=f"gridweave assets {upstream_key} shows its checks",
        )


class GateBlockedError(GridweaveError):
    """A blocking check did not pass, so nothing downstream ran and nothing was published.

    Args:
        gate: Name of the gate: raw, features or scores.
        failures: One sentence for each check that did not pass.
    """

    exit_code: ClassVar[int] = 3

    FAILURES_SHOWN: ClassVar[int] = 3

    def __init__(self, *, gate: str, failures: tuple[str, ...]) -> None:
        self.gate = gate
        self.failures = failures
        hidden = len(failures) - self.FAILURES_SHOWN
        shown = "; ".join(failures[: self.FAILURES_SHOWN]) + (f"; and {hidden} more" if hidden > 0 else "")
        super().__init__(
            f"Gate {gate} blocked: {shown}.",
            hint="gridweave status lists the failed checks; gridweave quality shows the rows",
        )


class ModelError(GridweaveError):
    """Training, loading or scoring a model failed."""
