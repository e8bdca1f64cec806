"""How a run that goes on is shown: a bar at a terminal, lines in a log, nothing of it among the data."""

from __future__ import annotations

import os
import re

import orjson
import pytest

from pipelines.console_progress import EVERY, Lines
from pipelines.progress import Reading, Stage
from tests.shop import KEY, PRODUCTS, Shop
from tests.terminal import Terminal


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = Lines("Treez - Main Store", Stage.STARTING, verbose=False, clock=clock)
    lines.entered(Stage.READING)
    for page in range(1, 101):
        clock.now += 0.5
        lines.read(Reading(page, 50 * page, 101, 5_050))
    lines.entered(Stage.PUBLISHING)
    clock.now += 2 * EVERY
    lines.entered(Stage.CHECKING)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "… Treez - Main Store: reading: 1,000/5,050 products, page 20/101, 100/s, 40 s left",
        "… Treez - Main Store: reading: 2,000/5,050 products, page 40/101, 100/s, 30 s left",
        "… Treez - Main Store: reading: 3,000/5,050 products, page 60/101, 100/s, 20 s left",
        "… Treez - Main Store: reading: 4,000/5,050 products, page 80/101, 100/s, 10 s left",
        "… Treez - Main Store: reading: 5,000/5,050 products, page 100/101, 100/s, 1 s left",
        "… Treez - Main Store: checking",
    ]


def test_a_source_that_announces_nothing_and_a_name_that_gives_orders(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = Lines("\x1b[2Jshop\nerror: x", Stage.STARTING, verbose=False, clock=clock)
    clock.now += EVERY
    lines.read(Reading(7, 350))
    assert capsys.readouterr().err == "…  [2Jshop error: x: starting: 350 products, page 7, 35/s\n"


COLOUR = re.compile(r"\x1b\[(?:\d+;)*[39][0-7]m")


def at_terminal(shop: Shop, *words: str, **env: str) -> Terminal:
    given = {KEY: shop.sandbox.api_key, **env}
    return Terminal([*words, "--database", shop.database.url], home=shop.home, env=given)


@pytest.mark.alternating
def test_a_terminal_shows_each_stage_and_then_the_result_alone(shop: Shop) -> None:
    gate = shop.sandbox.hold(4)
    with at_terminal(shop, "sync") as terminal:
        terminal.await_words(f"30/{PRODUCTS} products, page 3/4, ", " left")
        gate.open()
    assert terminal.status == 0, terminal.shown
    for stage in (Stage.READING, Stage.LANDING, Stage.PUBLISHING, Stage.CHECKING):
        assert f"Treez - Main Store {stage}" in terminal.shown
    assert "\x1b[?25l" not in terminal.raw, "a killed command would leave no cursor"
    last = terminal.shown.splitlines()[-1]
    assert last.startswith("SUCCESS in") and "Treez" not in last
    assert re.search(r"\x1b\[[0-9;]*32m", terminal.raw), "success is green"


@pytest.mark.duckdb_only
def test_ctrl_c_leaves_one_line(shop: Shop) -> None:
    shop.configure(patience_seconds=60)
    gate = shop.sandbox.hold(3)
    with at_terminal(shop, "sync") as terminal:
        terminal.await_words("page 2/4")
        terminal.press("\x03")
    gate.open()
    assert terminal.status == 130 and "Traceback" not in terminal.shown
    assert terminal.shown.splitlines()[-1].endswith("error: interrupted by SIGINT")
    assert shop.logs()[-1]["status"] == "failed"


def nobody_reads() -> None:
    """In the forked process: standard error is a pipe whose other end is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 2)


@pytest.mark.duckdb_only
def test_a_run_whose_messages_nobody_reads_goes_on(shop: Shop) -> None:
    """`guidelight sync --verbose 2>&1 | head` closes it: dbt would wait for ever for a thread that can't speak."""
    synced = shop.sync("--verbose", prepare=nobody_reads)
    assert (synced.status, synced.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0))


@pytest.mark.duckdb_only
def test_what_can_not_draw_or_may_not_colour(shop: Shop) -> None:
    for env in ({"TERM": "dumb"}, {"CI": "true", "NO_COLOR": "1"}):
        with at_terminal(shop, "sync", **env) as terminal:
            pass
        assert terminal.status == 0, terminal.shown
        assert not COLOUR.search(terminal.raw) and str(Stage.READING) not in terminal.raw
    with at_terminal(shop, "sync", "--json", NO_COLOR="1") as terminal:
        pass
    assert str(Stage.PUBLISHING) in terminal.raw and not COLOUR.search(terminal.raw)
    assert orjson.loads(terminal.shown[terminal.shown.rindex('{\r\n  "success"') :])["status"] == "success"
