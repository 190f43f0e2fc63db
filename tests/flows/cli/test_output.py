from __future__ import annotations

import pytest

from flows.cli.output import print_table


def test_a_piped_table_is_neither_cut_nor_filled_with_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("key", "why"), [("marts/c", "x" * 300), ("raw/a", None)])

    lines = capsys.readouterr().out.splitlines()

    assert any("x" * 300 in line for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_piped_table_says_what_the_cells_say(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("key", "why"), [("a", "[red] is text\nof two lines"), ("longer", None)], title="Skipped")

    assert capsys.readouterr().out == (
        "Skipped\n key     why\n a       [red] is text\n         of two lines\n longer\n"
    )
