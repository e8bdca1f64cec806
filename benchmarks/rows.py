"""All repetitions of one sync, and where to find them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.cases import Case, Moment
from benchmarks.measured import Counts, Measured


@dataclass(frozen=True, slots=True)
class Row:
    """A contender at one moment, on one engine; `reason` says why there are no runs."""

    engine: str
    moment: Moment
    contender: str
    runs: Sequence[Measured]
    reason: str | None = None

    @property
    def published(self) -> float:
        return median(run.published for run in self.runs)

    @property
    def finished(self) -> float:
        return median(run.finished for run in self.runs)

    @property
    def peak(self) -> float:
        return median(run.peak for run in self.runs)

    @property
    def written(self) -> int:
        return max(run.written for run in self.runs)

    @property
    def landed(self) -> int | None:
        return max((run.landed for run in self.runs if run.landed is not None), default=None)

    @property
    def counts(self) -> Counts | None:
        """What every repetition counted; they read the same catalogue."""
        first, *others = (run.counts for run in self.runs)
        if any(counts != first for counts in others):
            raise SystemExit(f"bench: {self.contender} counted differently each time: {[first, *others]}")
        return first


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was measured in one case, and between it each start-up, in seconds: a machine is not always as fast."""

    rows: Sequence[Row]
    startups: Sequence[float]

    @property
    def startup(self) -> float | None:
        return median(self.startups) if self.startups else None


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured in one run of the bench."""

    cases: Mapping[Case, Sheet]

    def value(
        self, case: str, engine: str, moment: Moment, contender: str, figure: Callable[[Row], float | None]
    ) -> float | None:
        """A figure of a row; None where it was not measured."""
        rows = (row for its, sheet in self.cases.items() if its.name == case for row in sheet.rows)
        wanted = (engine, moment, contender)
        row = next((row for row in rows if (row.engine, row.moment, row.contender) == wanted and row.runs), None)
        return None if row is None else figure(row)

    def case(self, name: str) -> Case | None:
        return next((case for case in self.cases if case.name == name), None)
