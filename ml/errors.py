"""Errors that only the models raise.

ModelError (flows.errors)
├── NotEnoughDataError       nothing to learn from; the caller skips and records the reason
├── UnknownModelError        a name or version the registry does not hold
└── ArtifactMismatchError    an artefact's bytes are not the ones that were registered
"""

from __future__ import annotations

from flows.errors import ModelError


class NotEnoughDataError(ModelError):
    """A model cannot be trained because the history is too short or holds no event.

    Args:
        use_case: Model that was to be trained.
        what: What there is too little of, such as "failures with a known outcome".
        needed: Smallest number that would do.
        found: Number found.
    """

    def __init__(self, *, use_case: str, what: str, needed: int, found: int) -> None:
        self.use_case = use_case
        self.what = what
        self.needed = needed
        self.found = found
        super().__init__(
            f"Model {use_case} was not trained: {found:,} {what}, at least {needed:,} needed.",
            hint="ingest a longer history; the previous version, if any, keeps scoring",
        )


class UnknownModelError(ModelError):
    """The registry holds no such model, version or champion.

    Args:
        name: Registered model name.
        wanted: What was asked for: a version, "champion" or "an earlier champion".
    """

    def __init__(self, *, name: str, wanted: str) -> None:
        self.name = name
        self.wanted = wanted
        super().__init__(
            f"Model {name!r} has no {wanted} in the registry.",
            hint=f"gridweave models {name} lists what there is",
        )


class ArtifactMismatchError(ModelError):
    """An artefact on disk is missing or is not the one that was registered.

    Args:
        name: Registered model name.
        version: Registered version.
        expected_sha256: Hash recorded at registration.
        found_sha256: Hash of the file now; None when the file is missing.
    """

    def __init__(self, *, name: str, version: int, expected_sha256: str, found_sha256: str | None) -> None:
        self.name = name
        self.version = version
        self.expected_sha256 = expected_sha256
        self.found_sha256 = found_sha256
        found = "missing" if found_sha256 is None else f"sha256 {found_sha256[:12]}…"
        super().__init__(
            f"Artefact of {name} version {version} is {found}, "
            f"registered was sha256 {expected_sha256[:12]}…; it was not loaded.",
            hint=f"train again, or gridweave models rollback {name}",
        )
