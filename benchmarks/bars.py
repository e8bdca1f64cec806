"""The bars of issue 14, held against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.cases import Moment
from benchmarks.places import ENGINES
from benchmarks.rows import Found, Row

COLUMNS = ("case", "moment", "engine", "what", "bar", "aim", "measured", "met")

FLOOR, COLD, WARM, DLT, SLING = (
    "floor", "guidelight sync, cold", "guidelight sync, warm", "plain dlt", "sling, from a file",
)  # fmt: skip

Figure = Callable[[Row], float | None]
Value = Callable[[str, Moment], float | None]
"""The measured value of an engine and a moment; None where something is missing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """At most `most`, better `aim`, for each of the engines and moments."""

    case: str
    what: str
    most: float
    aim: float | None
    unit: str
    value: Value
    moments: tuple[Moment, ...]
    engines: tuple[str, ...] = ENGINES


def published(row: Row) -> float | None:
    return row.published


def finished(row: Row) -> float | None:
    return row.finished


def lines(found: Found) -> Iterator[list[str]]:
    """A line for each bar, engine and moment, as COLUMNS says."""
    for bar in [*_small(found), *_warm(found), *_bulk(found), *_memory(found), *_nothing(found)]:
        for engine in bar.engines:
            for moment in bar.moments:
                value = bar.value(engine, moment)
                digits = ".0f" if bar.unit == "" else ".2f"
                aim = "" if bar.aim is None else f"≤ {bar.aim:{digits}}{bar.unit}"
                said = "not measured" if value is None else f"{value:{digits}}{bar.unit}"
                met = "" if value is None else "no" if value > bar.most else "yes"
                if met == "yes" and bar.aim is not None and value is not None and value <= bar.aim:
                    met = "yes, and the aim"
                yield [bar.case, moment, engine, bar.what, f"≤ {bar.most:{digits}}{bar.unit}", aim, said, met]


def _small(found: Found) -> Iterator[Bar]:
    case = found.case("a")

    def api(figure: Figure) -> Value:
        seconds = None if case is None else case.api_seconds
        return lambda engine, moment: _over(found.value("a", engine, moment, COLD, figure), seconds)

    for moment, (publish, publish_aim), (finish, finish_aim) in (
        (Moment.FIRST, (1.25, 1.1), (1.6, 1.3)),
        (Moment.NOTHING, (1.15, 1.05), (1.5, 1.2)),
    ):
        yield Bar("a", "cold: published, of the API's own", publish, publish_aim, " ×", api(published), (moment,))
        yield Bar("a", "cold: finished, of the API's own", finish, finish_aim, " ×", api(finished), (moment,))

    def startup(engine: str, moment: Moment) -> float | None:
        usual = found.case("b")
        own = None if usual is None else found.cases[usual].startup
        return _over(found.value("b", engine, moment, COLD, finished), own)

    yield Bar("b", "cold: finished, of start-up", 1.4, 1.1, " ×", startup, tuple(Moment))


def _warm(found: Found) -> Iterator[Bar]:
    def added(name: str, figure: Figure) -> Value:
        case = found.case(name)

        def value(engine: str, moment: Moment) -> float | None:
            seconds = found.value(name, engine, moment, WARM, figure)
            return None if seconds is None or case is None else seconds - case.wait_seconds

        return value

    for name in ("a", "b"):
        for moment, publish, finish in ((Moment.FIRST, 1.8, 2.3), (Moment.NOTHING, 1.0, 1.4)):
            on = (moment,)
            yield Bar(name, "warm: published, beyond the API's wait", publish, 0.5, " s", added(name, published), on)
            yield Bar(name, "warm: finished, beyond the API's wait", finish, 0.8, " s", added(name, finished), on)


def _bulk(found: Found) -> Iterator[Bar]:
    def against(contender: str, figure: Figure, other: str) -> Value:
        return lambda engine, moment: _over(
            found.value("c", engine, moment, contender, figure), found.value("c", engine, moment, other, finished)
        )

    bars = (
        (Moment.FIRST, 1.5, 1.7, 1.1, 1.0, 1.5, 1.1),
        (Moment.NOTHING, 0.65, 0.9, 0.4, 0.5, 0.5, 0.3),
        (Moment.CHANGED, 0.9, 1.2, 0.6, 1.0, 0.65, 0.4),
    )
    floor, sling = "of the floor", "of sling, cold"
    for moment, publish, finish, aim, of_sling, on_duckdb, duckdb_aim in bars:
        postgres, duckdb, on = ("postgres",), ("duckdb",), (moment,)
        fresh, ended = against(WARM, published, FLOOR), against(WARM, finished, FLOOR)
        yield Bar("c", f"warm: published, {floor}", publish, aim, " ×", fresh, on, postgres)
        yield Bar("c", f"warm: finished, {floor}", finish, aim, " ×", ended, on, postgres)
        yield Bar("c", f"finished, {sling}", of_sling, None, " ×", against(COLD, finished, SLING), on, postgres)
        yield Bar("c", f"warm: finished, {floor}", on_duckdb, duckdb_aim, " ×", ended, on, duckdb)


def _memory(found: Found) -> Iterator[Bar]:
    def peak(row: Row) -> float | None:
        return row.peak

    def growth(engine: str, moment: Moment) -> float | None:
        return _over(found.value("c", engine, moment, COLD, peak), found.value("b", engine, moment, COLD, peak))

    def of_dlt(engine: str, moment: Moment) -> float | None:
        return _over(found.value("c", engine, moment, COLD, peak), found.value("c", engine, moment, DLT, peak))

    yield Bar("c", "cold: peak memory, of that in (b)", 1.3, 1.0, " ×", growth, tuple(Moment))
    yield Bar("c", "cold: peak memory, of plain dlt's", 1.0, None, " ×", of_dlt, tuple(Moment))


def _nothing(found: Found) -> Iterator[Bar]:
    def of(name: str, figure: Figure) -> Value:
        return lambda engine, moment: found.value(name, engine, moment, COLD, figure)

    for name in ("a", "b", "c"):
        on = (Moment.NOTHING,)
        yield Bar(name, "rows of products written", 0, None, "", of(name, lambda row: row.written), on)
        yield Bar(name, "payloads landed", 0, None, "", of(name, lambda row: row.landed), on)


def _over(value: float | None, against: float | None) -> float | None:
    return None if value is None or against is None else value / against
