"""dbt, dlt and Great Expectations in processes of their own, imported and parsed while the network waits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from models.batch import Batch
from models.check import Expectation, Found
from models.publish import Publish
from pipelines import duckdb_file
from pipelines.console import tell
from pipelines.errors import ConfigurationError, SyncFailed
from pipelines.settings import Target
from pipelines.worker import Acts, Worker, ends_with_its_parent

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_GIVES_WAY = 2
"""By how much Great Expectations is nicer than the others (nice(1))."""

_FEW = 10_000
"""Products that are read and landed in the time in which Great Expectations starts."""

PARSED: dict[str, Manifest] = {}
"""Manifests that a long-lived process parsed beforehand, one an engine: what it forks is warm at once."""


class Warm:
    """dbt at once, dlt when it is expected, Great Expectations when it is, or with the publish; a context manager that
    none outlives.

    `verbose`: what dbt and dlt log of their acts is told on standard error.
    """

    def __init__(self, target: Target, *, verbose: bool = False) -> None:
        self._dbt = Worker("dbt", partial(_dbt, target, verbose), forks=target.engine in PARSED)
        self._dlt = Worker("dlt", partial(_dlt, target, verbose), forks="dlt.destinations" in sys.modules)
        self._expectations = Worker(
            "Great Expectations", partial(_great_expectations, target), forks="great_expectations" in sys.modules
        )
        self._dbt.start()

    def expect_landing(self) -> None:
        """Start dlt, which has something to do once the first pages are there."""
        self._dlt.start()

    def expect_checks(self, products: int | None = None) -> None:
        """Start Great Expectations, whose turn comes last: at once where it is imported already or the products are
        few (None: nothing is known yet). Of very many the landing has use for the memory, and their publish takes
        about as long as that start."""
        if self._expectations.forks or (products is not None and products <= _FEW):
            self._expectations.start()

    def make_views(self) -> None:
        """Load category_map and make every view. Raises SyncFailed with dbt's reason."""
        self._dbt.ask("make_views")

    def landing(self, batch: Batch) -> Callable[[], None]:
        """Begin to land a batch; what is returned waits for the end.

        That raises SyncFailed; ConfigurationError for a DuckDB file that another process keeps open.
        """
        return partial(_landed, self._dlt.begin("load", batch))

    def stop_landing(self) -> None:
        """End dlt's process, whatever it does, and wait until it is gone; the next batch starts another."""
        self._dlt.stop()

    def dismiss_landing(self) -> None:
        """End dlt's process, which has nothing under way."""
        self._dlt.dismiss()

    def publish(self, wanted: Publish) -> None:
        """Publish one change set, while Great Expectations starts if it has not. Raises SyncFailed; only published_at
        tells whether it stands."""
        self._expectations.start()
        self._dbt.ask("publish", wanted)

    def compile(self, wanted: Publish) -> dict[str, str]:
        """The SQL of a change set and of what surrounds it in a plan. Raises SyncFailed."""
        compiled: dict[str, str] = self._dbt.ask("compile", wanted)
        return compiled

    def testing(self, wanted: Publish, max_age_hours: float) -> Callable[[], list[Found]]:
        """Begin dbt's data tests on what was published; what is returned waits for the end.

        That raises SyncFailed when they could not be run.
        """
        return self._dbt.begin("test", wanted, max_age_hours)

    def examining(
        self, source: str, wanted: list[Expectation], product: str | None = None
    ) -> Callable[[], list[Found]]:
        """Begin to judge expectations over a source's products, or over one; what is returned waits for the end.

        That raises SyncFailed when they could not be judged.
        """
        return self._expectations.begin("examine", source, wanted, product)

    def __enter__(self) -> Warm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the processes, whatever they do; the next task starts another."""
        workers = (self._dbt, self._dlt, self._expectations)
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.stop()


def _landed(answer: Callable[[], None]) -> None:
    try:
        answer()
    except SyncFailed as error:
        if isinstance(error.__cause__, ConfigurationError):
            raise error.__cause__ from None
        raise


def _dbt(target: Target, verbose: bool) -> Acts:
    from pipelines.transform import Dbt

    known = PARSED.get(target.engine)
    duckdb_file.keep(target.path)
    dbt = Dbt(target, known, tell if verbose else None)
    if known is None:
        dbt.rehearse()
    return {"make_views": dbt.make_views, "publish": dbt.publish, "compile": dbt.compile, "test": dbt.test}


def _dlt(target: Target, verbose: bool) -> Acts:
    from pipelines.load import Loader

    # What the next sync lands would meet what this one had begun: the same content twice is refused.
    ends_with_its_parent()
    return {"load": Loader(target, tell if verbose else None).load}


def _great_expectations(target: Target) -> Acts:
    # What it does comes last: while everybody starts, dbt and the parent go first.
    os.nice(_GIVES_WAY)
    from pipelines.examine import examine

    if target.engine == "duckdb":
        import pipelines.duckdb_dialect  # noqa: F401
    duckdb_file.keep(target.path)
    return {"examine": partial(examine, target)}
