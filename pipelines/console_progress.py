"""How a run that is under way is shown, on standard error: a bar at a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import shorten
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pipelines.console import Console, tell
from pipelines.library_log import begins
from pipelines.plain import plain
from pipelines.progress import Progress, Reading, Stage
from pipelines.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console as Rich

EVERY = 10.0
"""Seconds between two lines, the first included: what ends sooner says nothing of how it went on."""

_A_SECOND = 4
"""How often the bar is drawn anew."""

_NAME = 24
"""Letters of an integration's name beside the bar."""

_BAR = 16
"""Columns of the bar: the words need the rest of a terminal of 80."""


@contextmanager
def watched(console: Console, name: str, stage: Stage = Stage.STARTING) -> Iterator[Progress]:
    """What shows one run of `name`, which begins at `stage`: a bar where standard error is a terminal that can draw and
    no log stands there (--verbose); under CI, in a pipe and on a dumb terminal lines."""
    screen = None if console.verbose or not sys.stderr.isatty() or Settings().under_ci else _screen()
    if screen is None or screen.is_dumb_terminal:
        yield Lines(name, stage, verbose=console.verbose)
        return
    with Bar(name, stage, screen) as bar:
        yield bar


class Pace:
    """One pass through a listing, in words."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()

    def words(self, reading: Reading) -> str:
        """`150/500 products, page 3/10, 49/s, 8 s left`; what the source does not say is left out."""
        told = [
            _of(reading.products, reading.of_products) + " products",
            f"page {_of(reading.pages, reading.of_pages)}",
        ]
        seconds = self._clock() - self._began
        if seconds > 0 and reading.products:
            rate = reading.products / seconds
            told.append(f"{rate:,.0f}/s")
            if reading.of_products is not None and reading.of_products > reading.products:
                told.append(f"{_time((reading.of_products - reading.products) / rate)} left")
        return ", ".join(told)


def _of(number: int, total: int | None) -> str:
    return f"{number:,}" if total is None else f"{number:,}/{total:,}"


def _time(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


class Lines:
    """A line every EVERY seconds at most, so that a log is not flooded. With --verbose the sync's id begins each
    line that the run says."""

    def __init__(self, name: str, stage: Stage, *, verbose: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.verbose = verbose
        self._name = name
        self._clock = clock
        self._told = clock()
        self._stage = stage
        self._pace = Pace(clock)
        self._before = ""

    def tell(self, sentence: str) -> None:
        tell(f"{self._before}{plain(sentence)}")

    def began(self, sync_log_id: UUID) -> None:
        if self.verbose:
            self._before = begins(sync_log_id)

    def entered(self, stage: Stage) -> None:
        self._stage = stage
        self._pace = Pace(self._clock)
        self._say("")

    def read(self, reading: Reading) -> None:
        self._say(f": {self._pace.words(reading)}")

    def _say(self, more: str) -> None:
        now = self._clock()
        if now - self._told >= EVERY:
            self._told = now
            self.tell(f"… {self._name}: {self._stage}{more}")


class Bar:
    """A line at the foot of the terminal that is drawn anew as the run goes on, and is gone when it has ended."""

    verbose = False

    def __init__(self, name: str, stage: Stage, screen: Rich) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        # Without markup: a name with [brackets] is shown as it is.
        columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(_BAR)]
        columns += [TextColumn("{task.fields[words]}", markup=False), TimeElapsedColumn()]
        self._shown = RichProgress(
            *columns, console=screen, transient=True, refresh_per_second=_A_SECOND, redirect_stdout=False
        )
        self._screen = screen
        self._name = shorten(plain(name), _NAME, placeholder="…")
        self._task = self._shown.add_task(self._described(stage), total=None, words="")
        self._pace = Pace(time.monotonic)

    def __enter__(self) -> Bar:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.stop()

    def tell(self, sentence: str) -> None:
        from rich.text import Text

        self._screen.print(Text(plain(sentence)), soft_wrap=True)

    def began(self, sync_log_id: UUID) -> None:
        """The bar stands for one run at a time: its id is told at its end."""

    def entered(self, stage: Stage) -> None:
        self._pace = Pace(time.monotonic)
        self._shown.reset(self._task, total=None, description=self._described(stage), words="")

    def read(self, reading: Reading) -> None:
        known = reading.of_products
        self._shown.update(
            self._task, completed=min(reading.products, known or 0), total=known, words=self._pace.words(reading)
        )

    def _described(self, stage: Stage) -> str:
        return f"{self._name} {stage}"


def _screen() -> Rich:
    from rich.console import Console as Rich

    class Screen(Rich):
        """A terminal whose cursor stays: a second Ctrl-C ends the process at once, and nobody would bring it back."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

    return Screen(stderr=True, highlight=False, markup=False, emoji=False)
