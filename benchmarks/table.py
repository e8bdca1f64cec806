"""What was measured, side by side: medians, and their ratios to the floor and to the API's own limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.cases import Case
from benchmarks.contenders import Counts, Measured

COLUMNS = (
    "engine", "moment", "contender", "published, s", "finished, s", "from – to",
    "published × floor", "finished × floor", "published × API", "finished × API", "peak, MB",
    "created + updated + unchanged",
)  # fmt: skip

_TEXTS = 3
"""So many columns, the first ones, hold words."""

NOTES = """\
Seconds are medians, from the start of a process, whole and cold; "from – to" are the shortest and the longest
*finished*. *published*: the publish is committed and `products` is right; *finished*: the process has ended, for
guidelight after its checks. "× floor" is against what the floor takes to its end, for the same engine and moment, in
the same run; "× API" against what the API's limit takes for the pages alone. Peak is that of the whole process tree,
shared memory once. The floor (benchmarks/floor.py) neither checks nor keeps a history, retries nothing, proves
nothing and makes nothing absent. The Postgres is the wheel's, private, with fsync off, for every contender alike.
What changes is the price and the stock of every hundredth product of the listing."""


@dataclass(frozen=True, slots=True)
class Row:
    """All repetitions of one sync."""

    engine: str
    moment: str
    contender: str
    runs: Sequence[Measured]

    @property
    def published(self) -> float:
        return median(run.published for run in self.runs)

    @property
    def finished(self) -> float:
        return median(run.finished for run in self.runs)

    @property
    def counts(self) -> Counts:
        """What every repetition counted; they read the same catalogue."""
        first, *others = (run.counts for run in self.runs)
        if any(counts != first for counts in others):
            raise SystemExit(f"bench: {self.contender} counted differently each time: {[first, *others]}")
        return first


def cells(case: Case, rows: Sequence[Row]) -> Iterator[list[str]]:
    """A line a row, as COLUMNS says."""
    floors = {(row.engine, row.moment): row.finished for row in rows if row.contender == "floor"}
    for row in rows:
        floor, api = floors.get((row.engine, row.moment)), case.api_seconds
        ends = [run.finished for run in row.runs]
        counts = row.counts
        yield [
            row.engine, row.moment, row.contender, f"{row.published:.2f}", f"{row.finished:.2f}",
            f"{min(ends):.2f} – {max(ends):.2f}",
            _ratio(row.published, floor), _ratio(row.finished, floor),
            _ratio(row.published, api), _ratio(row.finished, api),
            f"{median(run.peak for run in row.runs) / 1e6:.0f}",
            f"{counts.created:,} + {counts.updated:,} + {counts.unchanged:,}",
        ]  # fmt: skip


def title(case: Case) -> str:
    """What the case is, in one line."""
    limit = "no limit" if case.rate is None else f"{case.rate} requests a second"
    own = "" if case.api_seconds is None else f": the API's own {case.api_seconds:g} s"
    return f"({case.name}) {case.title}: {case.products:,} products, {case.latency_ms} ms, {limit}, " + (
        f"{case.page_cap:,} a page{own}"
    )


def show(case: Case, rows: Sequence[Row], console: Console) -> None:
    """Print the table of a case."""
    table = Table(title=title(case), title_justify="left")
    for number, column in enumerate(COLUMNS):
        header = column.replace(" ×", "\n×").replace(" +", "\n+").replace(", ", ",\n")
        table.add_column(header, justify="left" if number < _TEXTS else "right", no_wrap=True)
    for line in cells(case, rows):
        table.add_row(*line)
    console.print(table)


def markdown(about: Mapping[str, str], cases: Mapping[Case, Sequence[Row]]) -> str:
    """RESULTS.md: where and how it was measured, then a table a case."""
    lines = ["# What a sync costs", "", "Written by `make bench`; not to be edited.", ""]
    lines += [f"- {name}: {text}" for name, text in about.items()]
    lines += ["", NOTES]
    for case, rows in cases.items():
        lines += ["", f"## {title(case)}", "", _line(COLUMNS)]
        lines.append(_line(["---"] * _TEXTS + ["---:"] * (len(COLUMNS) - _TEXTS)))
        lines += [_line(line) for line in cells(case, rows)]
    return "\n".join(lines) + "\n"


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _ratio(seconds: float, against: float | None) -> str:
    return "" if against is None else f"{seconds / against:.2f}"
