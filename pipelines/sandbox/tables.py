"""The tables of docs/sandbox.md, from the tables in the code: `python -m pipelines.sandbox.tables` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.sandbox.faults import FAULTS, NOT_HERE, Kind
from pipelines.sandbox.quirks import QUIRKS
from pipelines.settings import ROOT

DOCUMENT = ROOT / "docs" / "sandbox.md"


def faults() -> str:
    """Every fault: its name, what it does, its own arguments with their defaults, its numbers in RELIABILITY.md."""
    rows = [
        f"| `{name}` | {_cell(kind.does)} | {_arguments(kind)} | {', '.join(map(str, kind.numbers))} |"
        for name, kind in FAULTS.items()
    ]
    return "\n".join(["| fault | what it does | takes | numbers |", "|---|---|---|---|", *rows])


def missing() -> str:
    """The numbers that have no fault, and why."""
    rows = [f"| {number} | {_cell(why)} |" for number, why in NOT_HERE.items()]
    return "\n".join(["| number | why there is none |", "|---|---|", *rows])


def quirks() -> str:
    """Every quirk, with its ways: the first is the default."""
    rows = [
        f"| `{name}` | {_cell(quirk.about)} | {', '.join(f'`{way}`' for way in quirk.ways)} |"
        for name, quirk in QUIRKS.items()
    ]
    return "\n".join(["| quirk | what it sets | ways |", "|---|---|---|", *rows])


def filled(text: str) -> str:
    """The document with the tables as they are now, each between its two marks."""
    for name, table in (("faults", faults()), ("missing", missing()), ("quirks", quirks())):
        marks = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text = marks.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)  # type: ignore[misc]
    return text


def _arguments(kind: Kind) -> str:
    own = [
        f"`{name}`: {', '.join(default)}" if isinstance(default, tuple) else f"`{name}={default}`"
        for name, default in kind.takes.items()
    ]
    common = [f"`{name}={value}`" for name, value in (("page", kind.page), ("times", kind.times)) if value is not None]
    return "; ".join([*own, *common])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(document: Path = DOCUMENT) -> None:
    """Write the tables into the document."""
    document.write_text(filled(document.read_text()))


if __name__ == "__main__":
    main()
