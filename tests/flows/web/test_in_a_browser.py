"""The data-quality pages in a real headless Chromium, on a phone and on a desk."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.web.quality_page import render_quality_page

pytestmark = pytest.mark.slow

WIDTHS = {"phone": 390, "desk": 1280}
# Reads what a person would see out of the page in a frame, and leaves it where `--dump-dom` shows it.
PROBE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" src="{page}" style="width:{width}px;height:900px;border:0"></iframe>
<script>
frame.onload = () => {{
  const page = frame.contentDocument;
  const boxes = [...page.querySelectorAll("main *")].map((each) => each.getBoundingClientRect());
  const links = [...page.querySelectorAll(".days a")].map((each) => each.getBoundingClientRect());
  const found = {{
    scroll_width: page.documentElement.scrollWidth,
    right_most: Math.max(...boxes.map((box) => box.right)),
    headings: [...page.querySelectorAll("h1, h2")].map((each) => each.textContent),
    bars: [...page.querySelectorAll(".chart rect")].filter((bar) => bar.getBoundingClientRect().height > 0).length,
    smallest_link: Math.min(...links.map((box) => Math.min(box.width, box.height))),
    font_size: parseFloat(getComputedStyle(page.body).fontSize),
  }};
  const told = document.createElement("pre");
  told.id = "found";
  told.textContent = JSON.stringify(found);
  document.body.append(told);
}};
</script>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium, installed when this test is the first to need it."""
    if shutil.which("chromium") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *words], check=True, capture_output=True, timeout=600)
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Debian's package `chromium` is not installed, and only root can install it")
    return found


def look_at(chromium: str, page: Path, width: int, folder: Path) -> dict[str, Any]:
    """Open a page at a width and return what the probe found."""
    probe = folder / f"probe_{width}.html"
    probe.write_text(PROBE.format(page=page.as_uri(), width=width), encoding="utf-8")
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000",
            "--dump-dom", probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-2000:]
    measured: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measured


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", ["index.html", "days/2026-11-20.html"])
def test_fits_the_screen_without_scrolling_sideways(
    chromium: str, troubled_snapshot: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, width: int
) -> None:
    render_quality_page(troubled_snapshot, tmp_path / "quality" / "index.html")

    found = look_at(chromium, tmp_path / "quality" / name, width, tmp_path)

    assert found["scroll_width"] <= width
    assert found["right_most"] <= width
    assert found["font_size"] >= 16
    assert found["headings"]


def test_shows_its_charts_and_days_large_enough_for_a_finger(
    chromium: str, troubled_snapshot: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    page = render_quality_page(troubled_snapshot, tmp_path / "quality" / "index.html")

    found = look_at(chromium, page, WIDTHS["phone"], tmp_path)

    assert found["bars"] == 19
    assert found["smallest_link"] >= 24  # WCAG 2.2, 2.5.8 target size
    assert "By day of arrival" in found["headings"]
