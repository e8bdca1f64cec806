"""Killed at every step and at any moment: one rerun leaves what an undisturbed sync leaves (RELIABILITY.md, 111)."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from pipelines.database import connect
from tests.databases import Engine
from tests.faults import dying
from tests.faults.aftermath import Control, control, moved, survived
from tests.shop import KEY, Shop
from tests.shops import Shops
from tests.test_interrupt import children, is_alive, publishes_waiting
from tests.warm import Running, start, until

SEEDS = 200
"""Random moments, an engine."""

SEEDS_LONG = 20
"""Of them in `make test-long`; the rest in `make test-faults`."""

PLACES: dict[str, Callable[[], None]] = {
    "before the turn": partial(dying.before, "pipelines.turn", "_begin"),
    "the turn written, not committed": partial(dying.after, "pipelines.turn", "_begin"),
    "before the first page": partial(dying.before, "pipelines.sync", "_extract"),
    "before dlt": partial(dying.before, "pipelines.extract", "land"),
    "in dlt's process, landed": partial(dying.after, "pipelines.load", "_land"),
    "dlt has loaded": partial(dying.after, "pipelines.extract", "land"),
    "before the plan is compared": partial(dying.before, "pipelines.sync", "_expect"),
    "before the publish": partial(dying.before, "pipelines.sync", "_publish"),
    "the change set made": partial(dying.after_statement, "create temporary table guidelight_changes"),
    "products inserted": partial(dying.after_statement, "insert into"),
    "products updated": partial(dying.after_statement, "update"),
    "all but committed": partial(dying.before_statement, "commit"),
    "committed, unheard": partial(dying.after_statement, "commit"),
    "before the checks": partial(dying.before, "pipelines.sync", "_check"),
    "before the log's end": partial(dying.before, "pipelines.sync", "_finished"),
    "the log ended, not committed": partial(dying.after, "pipelines.store", "finish"),
    "before the turn is given back": partial(dying.before, "pipelines.turn", "_give_back"),
}

REACHED = {
    "before the turn": "not begun",
    "the turn written, not committed": "not begun",
    "committed, unheard": "published",
    "before the checks": "published",
    "before the log's end": "published",
    "the log ended, not committed": "published",
    "before the turn is given back": "finished",
}
"""How far the dead sync had come; elsewhere it had begun, and published nothing."""

IN_MAKE_TEST = ("dlt has loaded", "committed, unheard")


@pytest.fixture
def shop(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop that moved on since its one sync."""
    with moved(shops, engine) as opened:
        yield opened


@pytest.fixture
def undisturbed(shops: Shops, engine: Engine) -> Control:
    """What one undisturbed sync of that shop leaves."""
    return control(shops, engine)


def again(shop: Shop, by: Control) -> str:
    """Run the sync once more, at once; return how far the dead one had come."""
    return survived(shop, by, shop.ended(shop.begin()))


@pytest.mark.alternating
@pytest.mark.parametrize(
    "place", [pytest.param(one, marks=() if one in IN_MAKE_TEST else pytest.mark.long) for one in PLACES]
)
def test_killed_at_a_step(shop: Shop, undisturbed: Control, place: str) -> None:
    running = shop.begin(prepare=PLACES[place])
    assert running.wait().status == -signal.SIGKILL
    until(lambda: not dying.members(running.pid), "all of its processes are gone")
    assert again(shop, undisturbed) == REACHED.get(place, "begun")


def strike(running: Running, kill: Callable[[Running], None], seconds: float) -> None:
    """Kill after so many seconds, wherever it may be then; it may also have ended."""
    threading.Event().wait(seconds)
    kill(running)
    assert running.wait().status in (-signal.SIGKILL, 0, 3)


def the_group(running: Running) -> None:
    dying.kill_group(running.pid)
    the_parent(running)


def the_parent(running: Running) -> None:
    # Its end may be known to the system before it is to us.
    with contextlib.suppress(ProcessLookupError):
        running.send(signal.SIGKILL)


def seeds(count: int, long: int) -> list[object]:
    return [pytest.param(n, marks=pytest.mark.long if n < long else pytest.mark.faults) for n in range(count)]


@pytest.mark.parametrize("seed", seeds(SEEDS, SEEDS_LONG))
def test_killed_at_any_moment(
    shop: Shop, undisturbed: Control, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """What a dead run left in TMPDIR is in the way of the next in every other case, and missing in the rest."""
    share = random.Random(seed).random()
    strike(shop.begin(prepare=dying.grouped), the_group, share * undisturbed.seconds)
    home = shop.home if seed % 2 else shop.home / "another"
    record_property("reached", again(replace(shop, home=home), undisturbed))


@pytest.mark.parametrize("seed", seeds(20, 4))
def test_the_parent_alone_killed_at_any_moment(
    shop: Shop, undisturbed: Control, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Its children go on with what they had begun, while the rerun goes on at once."""
    share = random.Random(f"parent {seed}").random()
    running = shop.begin(prepare=dying.grouped)
    strike(running, the_parent, share * undisturbed.seconds)
    record_property("reached", again(shop, undisturbed))
    until(lambda: not dying.members(running.pid), "its children have ended by themselves")


@pytest.mark.alternating
def test_a_publish_asked_for_by_a_parent_that_is_gone_is_not_begun(shop: Shop, undisturbed: Control) -> None:
    before = shop.published()
    running = shop.begin(prepare=dying.parent_asks_and_dies)
    dbt, *_others = until(lambda: children(running.pid), "its children are there")
    assert running.wait().status == -signal.SIGKILL
    assert is_alive(dbt), "it is stopped, and has the request in its pipe"
    os.kill(dbt, signal.SIGCONT)
    until(lambda: not is_alive(dbt), "it has ended")
    assert shop.published() == before
    assert again(shop, undisturbed) == "begun"


@pytest.mark.postgres_only
def test_a_load_ends_with_the_parent_that_is_gone(shop: Shop, undisturbed: Control) -> None:
    """What dlt had begun would be landed beside the next sync's, and the same content twice is refused."""
    with connect(shop.database.target) as analyst:
        analyst.execute("begin")
        analyst.execute("lock table staging_treez.payloads in exclusive mode")
        running = shop.begin(prepare=dying.grouped)
        until(lambda: publishes_waiting(shop), "dlt waits for the lock")
        running.send(signal.SIGKILL)
        assert running.wait().status == -signal.SIGKILL
        until(lambda: not dying.members(running.pid), "its children have ended")
        analyst.execute("rollback")
    assert again(shop, undisturbed) == "begun"


@pytest.mark.parametrize("seed", seeds(5, 2))
def test_a_plan_killed_at_any_moment(shop: Shop, undisturbed: Control, seed: int) -> None:
    """A plan writes no log: what it brought is removed by the next who has the turn."""
    share = random.Random(f"plan {seed}").random()
    words = ["plan", "--json", "--database", shop.database.url]
    running = start(words, home=shop.home, env={KEY: shop.sandbox.api_key}, prepare=dying.grouped)
    strike(running, the_group, share * undisturbed.seconds)
    assert again(shop, undisturbed) == "not begun"


SIGNALLED = ("_extract", "_expect", "_publish", "_check", "_finished")


@pytest.mark.long
@pytest.mark.alternating
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", SIGNALLED)
def test_a_signal_at_a_step(shop: Shop, undisturbed: Control, step: str, signum: signal.Signals) -> None:
    is_late = SIGNALLED.index(step) > SIGNALLED.index("_publish")
    ran = shop.begin(prepare=partial(dying.signalled, "pipelines.sync", step, signum)).wait()
    assert (ran.status, ran.error) == (128 + signum, f"interrupted by {signum.name}")
    log = shop.log(ran.json["sync_log_id"])
    assert (log["status"], log["error_message"]) == ("partial" if is_late else "failed", ran.error)
    assert (log["published_at"] is not None) is is_late
    last = shop.ended(shop.begin())
    assert last.counts[1:3] == ((0, 0) if is_late else undisturbed.synced.counts[1:3])
