"""Every fault that the sandbox can produce, at the token call, the first page, one in the middle and the last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.sandbox.faults import ALL, FAULTS, LISTING, TOKEN
from pipelines.settings import ROOT

PAGE_OF = {"first page": 1, "middle page": 2, "last page": 4}
"""The pages of a shop of 40 products, 10 a page."""

PLACES = ("token call", *PAGE_OF)

TABLE = ROOT / "docs" / "fault-matrix.md"

SHORT: Mapping[str, str] = {
    "slow": "ms=50",
    "slow-headers": "ms=20",
    "drip": "ms=400",
    "gzip-bomb": "mb=64",
    "short-page": "count=2",
    "long-text": "bytes=100000",
    "long-array": "items=5000",
}
"""Arguments that make a fault as bad as it is, in less time."""

ONLY_BEARER = frozenset({"wrapped"})
"""Faults of the dialect `bearer`, which has no token call."""

_NOT_AT_THE_TOKEN = frozenset({LISTING, "pages", "lookup", "updated", "product"})


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one place."""

    fault: str
    place: str

    @property
    def text(self) -> str:
        """The fault as the sandbox takes it."""
        options = [SHORT[self.fault]] if self.fault in SHORT else []
        if self.place == "token call":
            options.append(f"at={TOKEN}")
        else:
            options.append(f"page={PAGE_OF[self.place]}")
            if FAULTS[self.fault].concerns == ALL:
                options.append(f"at={LISTING}")
        return f"{self.fault}:{','.join(options)}"

    def __str__(self) -> str:
        return f"{self.fault}, {self.place}".replace(" ", "-")


def cases() -> Iterator[Case]:
    """All of them. What concerns lists only has no place at the token call, and what concerns the token no page."""
    for fault, kind in FAULTS.items():
        for place in PLACES:
            is_token = place == "token call"
            if is_token and (kind.concerns in _NOT_AT_THE_TOKEN or fault in ONLY_BEARER):
                continue
            if not is_token and kind.concerns == TOKEN:
                continue
            if place == "first page" and fault == "repeat-page":
                continue  # there is no page before it
            yield Case(fault, place)


def one_each() -> list[Case]:
    """Each fault once, the places in turn."""
    each: dict[str, list[Case]] = {}
    for case in cases():
        each.setdefault(case.fault, []).append(case)
    return [places[number % len(places)] for number, places in enumerate(each.values())]


def expected(table: Path = TABLE) -> dict[Case, str]:
    """What docs/fault-matrix.md says of each case: how the sync ends, and the kinds of its problems."""
    found: dict[Case, str] = {}
    for line in table.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 1 + len(PLACES) and cells[0].startswith("`"):
            outcomes = zip(PLACES, cells[1:], strict=True)
            found |= {Case(cells[0].strip("`"), place): outcome for place, outcome in outcomes if outcome != "–"}
    return found
