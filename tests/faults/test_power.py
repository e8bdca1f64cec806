"""A Postgres stopped as by a power cut, and started again: before, in and after what a sync does (92 to 94)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.database import connect
from tests.faults.aftermath import Control, control, left, move
from tests.faults.servers import Mains, OneServer, own_server
from tests.faults.test_database import healed
from tests.shop import Shop
from tests.shops import Shops
from tests.test_interrupt import publishes_waiting
from tests.warm import until

pytestmark = pytest.mark.postgres_only


@pytest.fixture(scope="module")
def mains() -> Iterator[Mains]:
    with own_server() as server:
        yield server


@pytest.fixture(scope="module")
def own_shops(mains: Mains, tmp_path_factory: pytest.TempPathFactory) -> Shops:
    directory = tmp_path_factory.mktemp("own")
    return Shops(OneServer(directory, mains), directory)


@pytest.fixture
def own(own_shops: Shops) -> Iterator[Shop]:
    """A moved shop in a server whose power can be cut."""
    with own_shops.open("postgres", stocked=True) as opened:
        move(opened)
        yield opened


@pytest.fixture
def own_undisturbed(own_shops: Shops) -> Control:
    return control(own_shops, "postgres")


@pytest.mark.long
def test_the_database_is_down_at_the_start(own: Shop, mains: Mains, own_undisturbed: Control) -> None:
    before = own.published()
    mains.cut()
    ran = own.begin().wait()
    mains.restore()
    assert ran.status == 2 and "can't be reached" in ran.error and "Traceback" not in ran.stderr
    assert own.published() == before and len(own.logs()) == 1
    healed(own, own_undisturbed)


@pytest.mark.long
def test_the_database_restarts_while_pages_come(own: Shop, mains: Mains, own_undisturbed: Control) -> None:
    """It is back before it is needed: the sync goes on as if nothing had been."""
    running = own.hold(3)
    mains.cut()
    mains.restore()
    own.let_go()
    synced = own.ended(running)
    assert (synced.status, synced.counts) == (own_undisturbed.synced.status, own_undisturbed.synced.counts), synced.ran
    assert left(own) == own_undisturbed.left


@pytest.mark.long
def test_the_database_goes_away_while_pages_come(own: Shop, mains: Mains, own_undisturbed: Control) -> None:
    before = own.published()
    running = own.hold(3)
    mains.cut()
    own.let_go()
    ran = running.wait()
    mains.restore()
    assert ran.status == 1 and "Traceback" not in ran.stderr
    assert "the log could not be finished" in ran.error and "can't be reached" in ran.error
    assert own.published() == before
    assert own.logs()[-1]["status"] == "running", "there was nobody to tell"
    healed(own, own_undisturbed)
    assert [log["status"] for log in own.logs()] == ["success", "failed", "partial"]


@contextmanager
def locked(shop: Shop) -> Iterator[None]:
    """`products` held by the app, whose connection may be lost meanwhile."""
    with psycopg.connect(**dict(shop.database.target.parameters)) as app:
        app.execute("lock table products in row exclusive mode")
        yield
        with contextlib.suppress(psycopg.OperationalError):
            app.rollback()


@pytest.mark.long
@pytest.mark.parametrize("is_back_at_once", [True, False])
def test_the_database_goes_away_in_the_publish(
    own: Shop, mains: Mains, own_undisturbed: Control, is_back_at_once: bool
) -> None:
    before = own.published()
    with contextlib.suppress(psycopg.OperationalError), locked(own):
        running = own.begin()
        until(lambda: publishes_waiting(own), "the publish waits for the lock")
        mains.cut()
        if is_back_at_once:
            mains.restore()
        ran = running.wait()
        if not is_back_at_once:
            mains.restore()
    assert ran.status == 1 and "Traceback" not in ran.stderr and "\n" not in ran.error
    assert own.published() == before
    healed(own, own_undisturbed)
    assert [log["status"] for log in own.logs()] == ["success", "failed", "partial"]


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_the_power_fails_at_any_moment(own: Shop, mains: Mains, own_undisturbed: Control, seed: int) -> None:
    """The server is cut off and back at once: whatever the sync made of that, one more leaves all as it should be."""
    running = own.begin()
    threading.Event().wait(own_undisturbed.seconds * (seed + 0.5) / 10)
    mains.cut()
    mains.restore()
    ran = running.wait()
    assert "Traceback" not in ran.stderr and ran.status in (1, 2, 3), ran
    told = own.logs()[1:]
    again = own.ended(own.begin())
    assert again.status == own_undisturbed.synced.status, again.ran
    assert left(own) == own_undisturbed.left
    for log in told:
        ended = own.log(str(log["id"]))
        assert ended["status"] == ("failed" if ended["published_at"] is None else "partial")


@pytest.mark.long
def test_the_tests_server_is_what_they_take_it_for(mains: Mains) -> None:
    """A cut must be able to lose something: a process that was stopped politely would prove nothing."""
    name = mains.server.create()
    with connect(mains.server.target(name)) as connection:
        assert connection.value("show synchronous_commit") == "on"
    mains.cut()
    with pytest.raises(Exception, match="can't be reached"):  # noqa: SIM117
        with connect(mains.server.target(name)):
            pass
    mains.restore()
    assert "was not properly shut down" in Path(mains.server.directory / "log").read_text()
    mains.server.drop(name)
