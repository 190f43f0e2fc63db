"""What gridweave is made of: a bill of materials with licences, and the advisories against the locked set.

    make check-supply                    writes build/sbom.cdx.json (CycloneDX) and build/advisories.json

What lives here: running cyclonedx-py and pip-audit and judging what they write. What does not: the locked set
(requirements.lock). Not part of `.ci/run`: the advisories are asked of a service on the network (OSV), and where that
does not answer this fails and says so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build"
OSV_URL = "https://api.osv.dev/v1/query"
SHOWN_LINES = 3

PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC\b|PSF|Python|CNRI|Zlib|CC0|0BSD|DFSG", re.IGNORECASE)
FILE_COPYLEFT = re.compile(r"MPL|Mozilla|LGPL", re.IGNORECASE)
"""Binds who changes the library's own files; gridweave imports it as it is."""
LOOKED_AT = {
    "huey": "MIT, in its LICENSE file; its metadata name none",
    "protobuf": "BSD-3-Clause, in its metadata as free text",
    "skops": "MIT, in its LICENSE file; its metadata say OSI approved only",
    "text-unidecode": "Artistic or GPL, at the user's choice: Artistic",
}
"""Packages whose metadata do not say it, and what a person found."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """A package of the bill of materials.

    Args:
        name: Package.
        version: Its version.
        licences: What its metadata name.
    """

    name: str
    version: str
    licences: tuple[str, ...]


def read_components(document: Mapping[str, Any]) -> list[Component]:
    """Read the packages of a CycloneDX document."""
    return [
        Component(name=each["name"], version=each["version"], licences=tuple(_licences(each)))
        for each in document["components"]
    ]


def _licences(component: Mapping[str, Any]) -> list[str]:
    return [
        each.get("expression") or each["license"].get("id") or each["license"]["name"]
        for each in component.get("licenses", ())
    ]


def incompatible(components: Sequence[Component]) -> list[str]:
    """Say which packages an Apache-2.0 work may not simply be delivered with, as far as metadata tell."""
    return [
        f"{each.name} {each.version}: licence {' / '.join(each.licences) or 'not named'}; look at it, and write what"
        " it is into LOOKED_AT of tests/supply/checking.py or replace the package"
        for each in components
        if each.name not in LOOKED_AT and not _is_compatible(each.licences)
    ]


def _is_compatible(licences: Sequence[str]) -> bool:
    """Every part must be one that is known; `GPL` alone matches none."""
    parts = [part for each in licences for part in re.split(r"\bAND\b|\bOR\b", each)]
    return bool(parts) and all(PERMISSIVE.search(part) or FILE_COPYLEFT.search(part) for part in parts)


def audit(lock: Path, report: Path, *, osv_url: str = OSV_URL) -> list[str]:
    """Ask the advisory service about every locked package.

    Args:
        lock: Requirements with hashes.
        report: Where pip-audit's answer is written.
        osv_url: The service.

    Returns:
        Problems; a service that does not answer, and a package it was not asked about, are some.
    """
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--osv-url", osv_url,
            "--requirement", str(lock), "--disable-pip", "--format", "json", "--output", str(report),
            "--progress-spinner", "off",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if not report.exists() or not report.stat().st_size:
        said = "\n".join(done.stderr.strip().splitlines()[-SHOWN_LINES:])
        return [f"no advisory was looked up: {osv_url} did not answer as expected, or the lock cannot be read.\n{said}"]
    found = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    asked = {each["name"].lower() for each in found if "skip_reason" not in each}
    unasked = sorted(locked_names(lock) - asked)
    known = [
        f"{each['name']} {each['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in found
        for one in each.get("vulns", ())
    ]
    return known + [f"{name}: its advisories were not looked up" for name in unasked]


def locked_names(lock: Path) -> set[str]:
    """Return the packages of a requirements file."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {found[1].lower() for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?==", line))}


def write_bill(path: Path) -> list[Component]:
    """Write the bill of materials of this environment, licences included."""
    subprocess.run(
        [
            sys.executable, "-m", "cyclonedx_py", "environment", sys.executable,
            "--pyproject", str(CHECKOUT / "pyproject.toml"), "--output-reproducible", "--output-format", "JSON",
            "--output-file", str(path),
        ],
        check=True,
    )  # fmt: skip
    return read_components(json.loads(path.read_text(encoding="utf-8")))


def main() -> int:
    """Write both files, print what is wrong."""
    BUILD.mkdir(exist_ok=True)
    components = write_bill(BUILD / "sbom.cdx.json")
    print(f"build/sbom.cdx.json: {len(components)} packages with their licences")
    for name, found in LOOKED_AT.items():
        print(f"  {name}: {found}")
    lock = CHECKOUT / "requirements.lock"
    problems = incompatible(components) + audit(lock, BUILD / "advisories.json")
    for each in problems:
        print(each, file=sys.stderr)
    if not problems:
        print(f"build/advisories.json: no advisory against the {len(locked_names(lock))} locked packages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
