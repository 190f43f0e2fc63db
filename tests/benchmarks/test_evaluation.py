"""The table of figures in the README: what was not measured now stays as it was."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.evaluation import Line, as_markdown, read_table, with_kept, write_table
from tests.benchmarks.evaluation_rows import ROWS
from tests.conftest import CHECKOUT

AUC = Line(words="AUC", data="a capture", value=0.9512, baseline=0.5, reference="", goal=">= 0.95", is_reached=True)


def test_a_row_measured_now_takes_the_place_of_the_one_before() -> None:
    earlier = as_markdown([AUC, replace(AUC, data="another capture"), replace(AUC, words="precision")])

    rows = with_kept(as_markdown([replace(AUC, data="another capture", value=0.9, is_reached=False)]), earlier)

    assert rows == [
        "| AUC | a capture | 0.951 | 0.5 |  | >= 0.95 | reached |",
        "| AUC | another capture | 0.9 | 0.5 |  | >= 0.95 | **missed** |",
        "| precision | a capture | 0.951 | 0.5 |  | >= 0.95 | reached |",
    ]


def test_the_table_of_the_readme_is_read_as_it_was_written() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    rows = read_table(text)

    assert write_table(text, rows) == text
    named = {tuple(row.removeprefix("| ").split(" | ")[:2]) for row in rows}
    assert {(each.words, each.data) for each in ROWS} <= named, "a figure that is wanted is not in the table"
