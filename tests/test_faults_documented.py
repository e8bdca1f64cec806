"""docs/faults.md names every fault once, and only tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from pipelines.settings import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text()
FAULTS, OURS, RULES = (PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0] for title in (
    "The faults", "The database and the process", "What is rejected, repaired with a warning, or a page error",
))  # fmt: skip

WHAT_COMES = (
    "invalid JSON", "JSON of the wrong shape", "HTML", "an empty body", "FAIL with 200", "invalid UTF-8",
    "NaN and Infinity", "NUL", "lone surrogates", "numbers beyond numeric's range", "a 1 MB description",
    "nesting 1,000 deep", "duplicate keys", "keys that differ only in case",
)  # fmt: skip


def rows(section: str) -> list[list[str]]:
    """The cells of each row of a section's table, its head apart."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse(Path(ROOT, path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_fault_stands_there_once() -> None:
    assert [row[0] for row in rows(FAULTS)] == [str(number) for number in range(1, 78)]
    assert [row[0] for row in rows(OURS)] == [str(number) for number in range(92, 123)]


def test_every_body_has_its_rule() -> None:
    assert tuple(row[0] for row in rows(RULES)) == WHAT_COMES
    assert all(re.match(r"(page error|rejected|repaired|kept)\b", row[1]) for row in rows(RULES))


@pytest.mark.parametrize("row", rows(FAULTS) + rows(OURS) + rows(RULES), ids=lambda row: row[0])
def test_what_a_row_names_as_its_proof_is_there(row: list[str]) -> None:
    assert len(row) == 4 and row[1]
    named = re.findall(r"`(tests/(?:faults/|security/)?\w+\.py)::(test_\w+)`", row[3])
    assert named and len(named) == row[3].count("`") // 2
    for path, name in named:
        assert name in names_in(path), f"{path} has no {name}"
