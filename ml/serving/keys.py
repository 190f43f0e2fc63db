"""API keys: random, stored as hashes only, with scopes and an end.

What lives here: the key file and the comparison. What does not: what becomes of a request without a good key
(`guard`), the commands (`flows.cli.keys`).
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from flows.clock import utc_now
from flows.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.clock import Clock

SCOPES = ("score", "forecast", "lineage")
KEY_FILE_NAME = "keys.json"
KEY_PREFIX = "gw_"
KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """One key, without its secret.

    Attributes:
        name: What it is for; unique.
        sha256: Hash of the secret, hexadecimal.
        scopes: What it may ask for, of SCOPES.
        created_at: UTC, ISO 8601.
        expires_at: UTC, ISO 8601; from then on it is refused.
        revoked_at: UTC, ISO 8601; empty while it is not revoked.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str
    revoked_at: str = ""

    def is_over(self, now: datetime) -> bool:
        """Return whether the key was revoked or has expired."""
        return bool(self.revoked_at) or now >= datetime.fromisoformat(self.expires_at)


class KeyStore:
    """The keys of a home, read again whenever their file changed.

    Args:
        folder: `$GRIDWEAVE_HOME/serving`; made with mode 0700.
        clock: Wall clock.
    """

    def __init__(self, folder: Path, *, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._path = folder / KEY_FILE_NAME
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()

    def now(self) -> datetime:
        """Return the time that keys are judged by."""
        return self._clock()

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret, also one that is over; None for an unknown one.

        All stored hashes are compared, each in constant time, so that time tells nothing about any of them.
        """
        digest = _hash(secret)
        found: ApiKey | None = None
        for each in self.all():
            if hmac.compare_digest(each.sha256, digest):
                found = each
        return found

    def all(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first.

        Raises:
            ConfigurationError: The file is not what `gridweave keys` writes.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, ()
            return ()
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self._keys = self._read()
            self._seen = seen
        return self._keys

    def add(self, name: str, *, scopes: tuple[str, ...], expires_days: float) -> str:
        """Make a key and return its secret, which is stored nowhere.

        Raises:
            UsageError: The name is taken, a scope is unknown or none was given.
        """
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise UsageError(
                f"A key needs scopes among {', '.join(SCOPES)}; given: {', '.join(scopes) or 'none'}.",
                hint="for example --scope score --scope forecast",
            )
        secret = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        now = self._clock()
        key = ApiKey(
            name=name,
            sha256=_hash(secret),
            scopes=tuple(dict.fromkeys(scopes)),
            created_at=now.astimezone(UTC).isoformat(),
            expires_at=(now + timedelta(days=expires_days)).astimezone(UTC).isoformat(),
        )
        with self._alone():
            if any(each.name == name for each in self.all()):
                raise UsageError(
                    f"There is a key {name!r} already.", hint="revoke it, and give the new one another name"
                )
            self._write((*self.all(), key))
        return secret

    def revoke(self, name: str) -> None:
        """End a key now; a running API refuses it from the next request on.

        Raises:
            UsageError: There is no such key.
        """
        with self._alone():
            if not any(each.name == name for each in self.all()):
                raise UsageError(f"There is no key {name!r}.", hint="gridweave keys list names them")
            now = self._clock().astimezone(UTC).isoformat()
            self._write(
                tuple(
                    ApiKey(**{**asdict(each), "revoked_at": each.revoked_at or now}) if each.name == name else each
                    for each in self.all()
                )
            )

    def _read(self) -> tuple[ApiKey, ...]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            return tuple(ApiKey(**{**each, "scopes": tuple(each["scopes"])}) for each in stored["keys"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"Key file {self._path} cannot be read: {type(error).__name__}.",
                hint="restore it, or remove it and make keys anew with gridweave keys add",
            ) from error

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        """Replace the file in one step, readable by its owner only from the first byte on."""
        partial = self._path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"keys": [asdict(each) for each in keys]}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other commands out while the file is read and written."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / f"{KEY_FILE_NAME}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _hash(secret: str) -> str:
    """Return the hash of a secret. Of 256 random bits a plain hash tells nothing; salt and stretching are for words."""
    return sha256(secret.encode()).hexdigest()
