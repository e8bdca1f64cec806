"""What was measured, side by side: medians, and their ratios to the floor, to the API's own limit, to start-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import bars
from benchmarks.cases import Case
from benchmarks.rows import Found, Row, Sheet

COLUMNS = (
    "engine", "moment", "contender", "runs", "published, s", "finished, s", "from – to",
    "published × floor", "finished × floor", "published × API", "finished × API", "finished × start-up", "peak, MB",
    "created + updated + unchanged", "rows written", "payloads landed",
)  # fmt: skip

_TEXTS = 3
"""So many columns, the first ones, hold words."""

NOTES = """\
Seconds are medians; "from – to" are the shortest and the longest *finished*. *published*: the publish is committed and
`products` is right; *finished*: the process has ended, for guidelight after its checks. A cold process is whole, from
its start; a warm one is forked for each command by a process that lives long, has imported everything and read the
parsed project of both engines, from the request to the child's end. "× floor" is against what the floor takes to its
end, for the same engine and moment, in the same run; "× API" against what the API's limit takes for the pages alone;
"× start-up" against a cold import of dbt and one of Great Expectations, a process each, together, the median of those
of that case, one an engine each time. Peak is that of the whole process tree, shared memory once; of a warm one the
long-lived process too.

Rows written are those of `products` with another xmin on Postgres, on DuckDB with another time or number of load, at
most of all runs. Every contender's table was counted after each sync, and the changed prices in it.

The floor (benchmarks/floor.py) neither checks nor keeps a history, retries nothing, proves nothing and makes nothing
absent. Plain dlt and sling give no counts; they are published when they end. **sling reads no API**: it has the same
records as a file of JSON lines, written before and not measured, so its seconds hold no fetching at all. It loads
DuckDB by a program that it downloads, and there is no network here: Postgres only.

Where there is no limit guidelight keeps to its own, 100 requests a second, which no setting lifts; the shop then serves
bytes rendered beforehand (benchmarks/static.py), else it is the sandbox. The
Postgres is the wheel's, private, with fsync off, for every contender alike. What changes is the price and the stock of
every hundredth product of the listing."""


def cells(case: Case, sheet: Sheet) -> Iterator[list[str]]:
    """A line a row, as COLUMNS says."""
    floors = {(row.engine, row.moment): row.finished for row in sheet.rows if row.contender == "floor" and row.runs}
    for row in sheet.rows:
        if not row.runs:
            continue
        floor, api = floors.get((row.engine, row.moment)), case.api_seconds
        ends, counts = [run.finished for run in row.runs], row.counts
        yield [
            row.engine, row.moment, row.contender, str(len(row.runs)), f"{row.published:.2f}", f"{row.finished:.2f}",
            f"{min(ends):.2f} – {max(ends):.2f}",
            _ratio(row.published, floor), _ratio(row.finished, floor),
            _ratio(row.published, api), _ratio(row.finished, api), _ratio(row.finished, sheet.startup),
            f"{row.peak / 1e6:.0f}",
            "" if counts is None else f"{counts.created:,} + {counts.updated:,} + {counts.unchanged:,}",
            f"{row.written:,}", "" if row.landed is None else f"{row.landed:,}",
        ]  # fmt: skip


def absent(rows: Sequence[Row]) -> list[str]:
    """Who is not in the table, and why: a sentence each."""
    return list(dict.fromkeys(f"{row.engine}, {row.contender}: {row.reason}" for row in rows if row.reason))


def title(case: Case) -> str:
    """What the case is, in one line."""
    limit = "no limit" if case.rate is None else f"{case.rate} requests a second"
    own = "" if case.api_seconds is None else f": the API's own {case.api_seconds:g} s"
    return f"({case.name}) {case.title}: {case.products:,} products, {case.latency_ms} ms, {limit}, " + (
        f"{case.page_cap:,} a page{own}"
    )


def show(case: Case, sheet: Sheet, console: Console) -> None:
    """Print the table of a case."""
    table = Table(title=title(case), title_justify="left")
    for number, column in enumerate(COLUMNS):
        header = column.replace(" ×", "\n×").replace(" +", "\n+").replace(", ", ",\n")
        table.add_column(header, justify="left" if number < _TEXTS else "right", no_wrap=True)
    for line in cells(case, sheet):
        table.add_row(*line)
    console.print(table)
    console.print(f"start-up: {_seconds(sheet.startups)}", markup=False)
    for sentence in absent(sheet.rows):
        console.print(f"not measured: {sentence}", markup=False)


def show_bars(found: Found, console: Console) -> None:
    """Print the bars."""
    table = Table(title="The bars of issue 14", title_justify="left")
    for column in bars.COLUMNS:
        table.add_column(column, no_wrap=True)
    for line in bars.lines(found):
        table.add_row(*line)
    console.print(table)


def markdown(about: Mapping[str, str], found: Found, *, with_bars: bool) -> str:
    """RESULTS.md: where and how it was measured, a table a case, and the bars."""
    lines = ["# What a sync costs", "", "Written by `make bench`; not to be edited.", ""]
    lines += [f"- {name}: {text}" for name, text in about.items()]
    lines += ["", NOTES]
    for case, sheet in found.cases.items():
        lines += ["", f"## {title(case)}", "", f"Start-up: {_seconds(sheet.startups)}.", ""]
        lines += _table(COLUMNS, cells(case, sheet), _TEXTS)
        lines += [f"\nNot measured: {' '.join(sentence.split())}" for sentence in absent(sheet.rows)]
    if with_bars:
        lines += ["", "## The bars of issue 14", "", *_table(bars.COLUMNS, bars.lines(found), len(bars.COLUMNS))]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], lines: Iterator[list[str]], texts: int) -> list[str]:
    rule = ["---"] * texts + ["---:"] * (len(columns) - texts)
    return [f"| {' | '.join(line)} |" for line in (columns, rule, *lines)]


def _seconds(measured: Sequence[float]) -> str:
    if not measured:
        return "not measured"
    return f"{median(measured):.2f} s ({min(measured):.2f} – {max(measured):.2f}, {len(measured)} times)"


def _ratio(seconds: float, against: float | None) -> str:
    return "" if against is None else f"{seconds / against:.2f}"
