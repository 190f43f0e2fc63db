"""What a step that makes several assets gets to work with.

What lives here: one context per asset behind one face. What does not: reading and writing (context.py).

Each asset is written and recorded in a transaction of its own: a step that fails half-way leaves what it wrote, which
is whole and recorded; the rest is made by the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.errors import AssetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.engine.steps.context import StepContext


class MultiStepContext:
    """The context of a step with several assets.

    Args:
        contexts: Context of each asset by key.
    """

    def __init__(self, contexts: Mapping[str, StepContext]) -> None:
        self._contexts = contexts
        self._unwritten = set(contexts)
        self.notes: list[str] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - facts of the run
        """Return what is the same for all assets of the step."""
        return getattr(self._first, name)

    @property
    def definition(self) -> AssetDefinition:
        """The first asset's."""
        return self._first.definition

    def read(self, key: str, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read a declared, released input; it becomes an input of every asset of the step."""
        frames = [each.read(key, columns=columns) for each in self._contexts.values()]
        return frames[0]

    def version_of(self, key: str) -> str:
        """Take an observed asset as an input of every asset of the step."""
        versions = [each.version_of(key) for each in self._contexts.values()]
        return versions[0]

    def write(self, frame: pd.DataFrame, *, key: str, model_version: str) -> None:
        """Replace one of the step's assets, or this partition of it, and record it."""
        if key not in self._contexts:
            raise AssetError(
                f"The step of {', '.join(self._contexts)} wrote {key}, which it does not declare.",
                hint="name it in multi_asset",
            )
        self._contexts[key].write(frame, model_version=model_version)
        self._unwritten.discard(key)

    def refuse_unwritten(self) -> None:
        """Fail when the step ended without having written everything it declares."""
        if self._unwritten:
            raise AssetError(
                f"The step of {', '.join(self._contexts)} ended without writing {', '.join(sorted(self._unwritten))}.",
                hint="write every asset, an empty frame where there is nothing",
            )

    @property
    def _first(self) -> StepContext:
        return next(iter(self._contexts.values()))
