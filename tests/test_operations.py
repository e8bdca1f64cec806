"""docs/operations.md knows every message that an error of ours is raised with, and every status and kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.sync import ProblemKind, Status
from pipelines import errors
from pipelines.file_lock import refusal
from pipelines.settings import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
SAID = " ".join(PAGE.replace("\\|", "|").split())

RAISED = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.GuidelightError)
}
ENOUGH = 8
"""Letters of a message that are its own; with fewer it only hands on what another said."""


def parts(node: ast.expr) -> Iterator[str]:
    """The pieces of a message that are always the same, between what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            for value in values:
                yield from parts(value)
        case ast.BinOp(left=left, right=right):
            yield from parts(left)
            yield from parts(right)


def messages() -> Iterator[tuple[str, str]]:
    """Where each error is raised, and the longest piece of its message."""
    for path in sorted(Path(ROOT, "pipelines").rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED and node.args:
                longest = max((piece.strip() for piece in parts(node.args[0])), key=len, default="")
                if len(longest) >= ENOUGH:
                    yield f"{path.name}:{node.lineno}", longest


def test_there_are_messages() -> None:
    assert len(list(messages())) > 90


@pytest.mark.parametrize(("where", "piece"), list(messages()))
def test_a_message_stands_in_the_page(where: str, piece: str) -> None:
    assert " ".join(piece.split()) in SAID, f"{where}: docs/operations.md has no {piece!r}"


def test_what_the_publish_says_stands_there_too() -> None:
    sql = " ".join(path.read_text() for path in (ROOT / "dbt_project" / "macros").glob("*.sql"))
    sentences = [sentence.strip() for sentence in re.findall(r"'guidelight: ([^'\":]+)", sql)]
    assert len(sentences) >= 4
    for sentence in sentences:
        if sentence not in ("there is no receipt", "what this sync would do is no longer what was planned"):
            assert sentence in SAID, sentence


@pytest.mark.parametrize("act", ["sync", "plan"])
def test_what_the_second_is_told_stands_there_too(act: str) -> None:
    said = refusal("SOURCE", act, "ID", "WHO")
    pieces = [piece.strip() for piece in re.split("SOURCE|ID|WHO", said)]
    assert max(pieces, key=len).removeprefix(").").strip() in SAID
    assert pieces[1] in SAID


def test_every_status_and_kind_is_explained() -> None:
    rows = {line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")}
    assert {kind.value for kind in ProblemKind} <= rows
    assert {"0", "1", "2", "3", "4"} <= rows
    for status in set(Status) - {Status.RUNNING}:
        assert status.value in PAGE
