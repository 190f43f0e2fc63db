"""What is wrong with this installation, and how to mend it.

What lives here: one examination per thing an installation needs. What does not: what went wrong in runs
(flows.delivery.alerts), and whether the ledger is whole (`gridweave audit verify`): both need a sound installation.

Nothing is changed, started or made; an examination that finds something wrong does not keep the others from looking.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from flows.delivery.targets import load_targets
from flows.engine.pipeline import RAW_DECLARATION
from flows.engine.prefect.background import ready_path
from flows.engine.prefect.processes import read_pid
from flows.engine.prefect.server import local_server
from flows.errors import GridweaveError
from flows.lineage.audit.keys import trusted_public_key
from flows.settings import CHECKOUT
from flows.sources.configuration import check_mapping, list_sources, load_source
from flows.sources.raw_tables import read_raw_tables
from flows.warehouse.lock import holder_pid, owner_lock
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flows.settings import Settings

Verdict = Literal["ok", "note", "wrong"]

LOCK_FILE = CHECKOUT / "requirements.lock"
LEAST_FREE_GB = 2.0
"""Free space below which a run may end in the middle; twice the warehouse counts when it is more."""
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s\\;]+)(?:\s*;\s*(.+?))?\s*\\?$", re.MULTILINE)
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one examination found.

    Attributes:
        subject: What was looked at.
        verdict: ok; note, which a person may want to know; wrong, which keeps runs from working.
        found: What was found, as a sentence without its dot.
        hint: What to do; empty when there is nothing.
    """

    subject: str
    verdict: Verdict
    found: str
    hint: str = ""


def examine(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    """Look at everything an installation needs, one finding after the other.

    Args:
        settings: All settings.
        now: Wall clock, UTC.
    """
    examinations: dict[str, Callable[[], Finding]] = {
        "packages": lambda: _packages(LOCK_FILE),
        "home": lambda: _home(settings.home),
        "disk": lambda: _disk(settings),
        "warehouse": lambda: _warehouse(settings.warehouse_path),
        "published state": lambda: _published(settings.published_dir, now),
        "audit key": lambda: _audit_key(settings),
        "sources": lambda: _sources(settings),
        "targets": lambda: _targets(settings),
        "models": lambda: _models(settings.home),
        "Prefect server": lambda: _prefect(settings),
        "schedules": lambda: _schedules(settings),
    }
    for subject, look in examinations.items():
        try:
            found = look()
        except GridweaveError as error:
            found = Finding(subject=subject, verdict="wrong", found=error.message.rstrip("."), hint=error.hint)
        except (OSError, duckdb.Error) as error:
            found = Finding(subject=subject, verdict="wrong", found=str(error), hint="the message names what to mend")
        yield found


def _packages(lock_file: Path) -> Finding:
    """Compare what is installed with the lock."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    if not lock_file.exists():
        return Finding(subject="packages", verdict="note", found=f"{python}; no {lock_file.name} to compare with")
    locked = [(name, version) for name, version, marker in _LOCKED.findall(lock_file.read_text()) if not marker]
    other = [f"{name} {have or 'missing'}, not {want}" for name, want in locked if (have := _installed(name)) != want]
    if other:
        more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
        return Finding(
            subject="packages",
            verdict="wrong",
            found=f"{len(other)} of {len(locked)} differ from {lock_file.name}: {'; '.join(other[:_SHOWN])}{more}",
            hint="make setup",
        )
    return Finding(subject="packages", verdict="ok", found=f"{python}, {len(locked)} packages as locked")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _home(home: Path) -> Finding:
    """See that nobody else can read what is kept there."""
    if not home.exists():
        return Finding(subject="home", verdict="note", found=f"{home} is not there yet", hint="the first run makes it")
    modes = {path.name: path.stat().st_mode for path in (home, *sorted(home.iterdir())) if path.is_dir()}
    writable = [name for name, mode in modes.items() if mode & 0o022]
    readable = [name for name, mode in modes.items() if mode & 0o055 and modes[home.name] & 0o055]
    named = ", ".join((writable or readable)[:_SHOWN])
    if named:
        return Finding(
            subject="home",
            verdict="wrong" if writable else "note",
            found=f"others may {'write to' if writable else 'read'} {named} in {home}",
            hint=f"chmod -R go-rwx {home}",
        )
    return Finding(subject="home", verdict="ok", found=str(home))


def _disk(settings: Settings) -> Finding:
    """See that a run has room: it writes a snapshot beside the old one, and what does not fit into memory."""
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    size_gb = settings.warehouse_path.stat().st_size / 1e9 if settings.warehouse_path.exists() else 0.0
    needed_gb = max(LEAST_FREE_GB, 2 * size_gb)
    found = f"{free_gb:.1f} GB free, {needed_gb:.1f} GB wanted"
    if free_gb < needed_gb:
        return Finding(subject="disk", verdict="wrong", found=found, hint=f"make room on the disk of {place}")
    return Finding(subject="disk", verdict="ok", found=found)


def _warehouse(path: Path) -> Finding:
    """See that it opens, unless somebody works with it."""
    if not path.exists():
        return Finding(subject="warehouse", verdict="note", found="not made yet", hint="gridweave run makes it")
    pid = holder_pid(path)
    if pid is not None:
        return Finding(subject="warehouse", verdict="ok", found=f"process {pid} works with it")
    try:
        with owner_lock(path), duckdb.connect(str(path), read_only=True) as connection:
            (count,) = connection.execute("select count(*) from duckdb_tables()").fetchone() or (0,)
    except duckdb.Error as error:
        return Finding(
            subject="warehouse",
            verdict="wrong",
            found=f"{path} does not open: {str(error).splitlines()[0]}",
            hint="keep the file aside, then gridweave rebuild makes it again from lake, ledger and evidence",
        )
    return Finding(subject="warehouse", verdict="ok", found=f"{count:,} tables, nobody works with it")


def _published(folder: Path, now: datetime) -> Finding:
    """See that readers can read, and that the clock did not go back."""
    try:
        with open_reader(folder) as reader:
            row = reader.execute("select max(started_at) from lineage.run").fetchone()
    except NothingPublishedError as error:
        return Finding(subject="published state", verdict="note", found="nothing yet", hint=error.hint)
    last = row[0] if row else None
    if last is not None and last > now:
        return Finding(
            subject="published state",
            verdict="wrong",
            found=f"the last run began {_time(last)}, the clock says {_time(now)}",
            hint="set the clock of this machine; what is late and what is fresh is told by it",
        )
    return Finding(subject="published state", verdict="ok", found=f"readable, last run {_time(last)}")


def _time(when: datetime | None) -> str:
    return "never" if when is None else f"{when:%Y-%m-%d %H:%M} UTC"


def _audit_key(settings: Settings) -> Finding:
    """See that checkpoints can be signed and held against a key."""
    if trusted_public_key(settings.audit_dir, settings.audit_key_path) is None:
        return Finding(subject="audit key", verdict="note", found="none yet", hint="the first run makes one")
    return Finding(subject="audit key", verdict="ok", found="private and public key belong together")


def _sources(settings: Settings) -> Finding:
    """Read every source description against the raw layer."""
    raw_tables = read_raw_tables(settings.transform_dir / RAW_DECLARATION)
    names = list_sources(settings.sources_dir)
    for name in names:
        check_mapping(load_source(name, settings.sources_dir), raw_tables)
    return Finding(subject="sources", verdict="ok", found=f"{len(names)} descriptions fit {len(raw_tables)} raw tables")


def _targets(settings: Settings) -> Finding:
    """Read every description of a system that gets messages."""
    return Finding(subject="targets", verdict="ok", found=f"{len(load_targets(settings.targets_dir))} descriptions")


def _models(home: Path) -> Finding:
    """Read every champion, whose files are held against their hashes."""
    path = home / "mlflow" / "mlflow.db"
    if not path.exists():
        return Finding(subject="models", verdict="note", found="none trained yet", hint="gridweave run trains them")
    from ml.registry import ModelRegistry

    registry = ModelRegistry(f"sqlite:///{path}", path.parent / "artifacts")
    champions = [champion for name in registry.names() if (champion := registry.champion(name)) is not None]
    for each in champions:
        registry.load(each.name, each.version)
    return Finding(subject="models", verdict="ok", found=f"{len(champions)} champions, files as registered")


def _prefect(settings: Settings) -> Finding:
    """See who answers on its port."""
    server = local_server(settings)
    if server.is_healthy():
        return Finding(subject="Prefect server", verdict="ok", found=f"answers at {server.url}")
    return Finding(
        subject="Prefect server", verdict="note", found=f"not running; port {server.port} is free", hint="gridweave up"
    )


def _schedules(settings: Settings) -> Finding:
    """See whether runs start by themselves."""
    from flows.pipelines.watching import SERVICE

    pid = read_pid(ready_path(settings))
    if pid is None:
        return Finding(subject="schedules", verdict="note", found="nothing runs by itself", hint="gridweave up")
    if holder_pid(settings.services_dir / SERVICE) != pid:  # after a power cut the number is another process's
        return Finding(
            subject="schedules",
            verdict="wrong",
            found=f"process {pid} started runs and is gone",
            hint="gridweave up",
        )
    return Finding(subject="schedules", verdict="ok", found=f"process {pid} starts runs")
