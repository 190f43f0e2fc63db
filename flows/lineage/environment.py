"""The environment a run happens in: Python, locked packages, commit.

What lives here: finding it out, and its identifier. The identifier covers Python and packages only: a commit changes
code versions where it changes code, and would otherwise make every asset stale.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING

from flows.assets.versions import CHECKOUT, digest_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What code ran on."""

    environment_id: str
    python_version: str
    platform: str
    lockfile_hash: str
    git_commit: str | None
    is_git_dirty: bool | None
    packages: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def current_environment(checkout: Path = CHECKOUT) -> Environment:
    """Describe the running interpreter and checkout."""
    packages = {
        each.metadata["Name"].lower(): each.version for each in metadata.distributions() if each.metadata["Name"]
    }
    lock = checkout / "requirements.lock"
    lockfile_hash = digest_of(lock.read_text(encoding="utf-8")) if lock.exists() else ""
    python_version = platform.python_version()
    installed = [part for name in sorted(packages) for part in (name, packages[name])]
    commit = _git(checkout, "rev-parse", "HEAD")
    changes = _git(checkout, "status", "--porcelain")
    return Environment(
        environment_id=digest_of(python_version, sys.platform, *installed)[:16],
        python_version=python_version,
        platform=platform.platform(),
        lockfile_hash=lockfile_hash,
        git_commit=commit,
        is_git_dirty=None if commit is None else bool(changes),
        packages=packages,
    )


def _git(checkout: Path, *arguments: str) -> str | None:
    """Ask git; None where there is no git or no repository."""
    try:
        answer = subprocess.run(  # noqa: S603 - fixed program, arguments of this module
            ["git", "-C", str(checkout), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
