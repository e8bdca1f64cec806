"""Clocks that jump by a day, and nights that have an hour more or less: nothing rests on a machine's own clock."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.databases import Engine
from tests.faults.aftermath import Control, control, left, moved
from tests.faults.test_takeover import ELSEWHERE
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops

pytestmark = pytest.mark.long

DAY = 86_400
each_way = pytest.mark.parametrize("seconds", [DAY, -DAY], ids=["a day on", "a day back"])


@pytest.fixture
def shop(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop that moved on since its one sync."""
    with moved(shops, engine) as opened:
        yield opened


@pytest.fixture
def undisturbed(shops: Shops, engine: Engine) -> Control:
    """What one undisturbed sync of that shop leaves."""
    return control(shops, engine)


def jumping(seconds: int, page: int) -> None:
    """This machine's clock jumps when a page has come, for all that Python asks it; 0: before anything is asked."""
    from pipelines import extract

    real, pages = time.time, 0

    class Jumped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            nonlocal pages
            pages += 1
            return datetime.datetime.fromtimestamp(time.time(), tz)

    time.time = lambda: real() + (seconds if pages >= page else 0)
    extract.datetime = Jumped  # type: ignore[attr-defined]


@each_way
@pytest.mark.alternating
def test_a_machines_clock_jumps_while_pages_come(shop: Shop, undisturbed: Control, seconds: int) -> None:
    synced = shop.ended(shop.begin(prepare=partial(jumping, seconds, 3)))
    assert (synced.status, synced.counts) == (undisturbed.synced.status, undisturbed.synced.counts), synced.ran
    assert left(shop) == undisturbed.left
    seen = shop.rows(
        "select min(extracted_at) as first, max(extracted_at) as last from staging_treez.sightings "
        "where sync_log_id = $id",
        id=synced.row["id"],
    )[0]
    assert seen["last"] - seen["first"] > datetime.timedelta(hours=23), "it did jump"
    row = synced.row
    assert row["started_at"] <= row["published_at"] <= row["completed_at"] and 0 <= row["duration_ms"] < DAY * 1000
    last = shop.value("select last_sync_at from integrations")
    assert abs(last - row["completed_at"]) < datetime.timedelta(minutes=1), "the database's clock says when"
    assert shop.ended(shop.begin()).counts[1:3] == (0, 0)


@each_way
@pytest.mark.postgres_only
def test_a_heartbeat_is_as_old_as_the_databases_clock_says(shop: Shop, undisturbed: Control, seconds: int) -> None:
    """The one that waits is a day off: who beats is respected all the same."""
    running = shop.hold(3)
    shop.execute(ELSEWHERE)
    refused = shop.ended(shop.begin(prepare=partial(jumping, seconds, 0)))
    assert refused.status == 4 and "already syncing" in refused.result["error"], refused.ran
    shop.let_go()
    assert shop.ended(running).counts == undisturbed.synced.counts
    assert left(shop) == undisturbed.left


MOMENTS = {
    "sync_logs": ("started_at", "published_at", "completed_at"),
    "integrations": ("last_sync_at", "last_complete_sync_at"),
    "products": ("last_synced_at", "created_at", "updated_at"),
    "product_changes": ("changed_at",),
    "staging_treez.sightings": ("extracted_at",),
}


@each_way
@pytest.mark.alternating
def test_the_databases_own_clock_was_a_day_off(shop: Shop, undisturbed: Control, seconds: int) -> None:
    """When the first sync ran; it was put right since. A clock that was ahead makes nobody wait for a day."""
    for table, names in MOMENTS.items():
        shifted = ", ".join(f"{name} = {name} + {seconds} * interval '1 second'" for name in names)
        shop.execute(f"update {table} set {shifted}")
    due = shop.command("sync", "--due", "--json")
    assert due.status == undisturbed.synced.status, due
    (result,) = due.json
    stats = result["stats"]
    counts = stats["fetched"], stats["created"], stats["updated"], stats["unchanged"]
    assert counts == undisturbed.synced.counts
    now = left(shop)
    for table in ("products", "product_changes", "product_sync_state", "payloads"):
        assert now[table] == undisturbed.left[table], table
    assert shop.command("sync", "--due", "--json").json == [], "it is not due twice"
    assert shop.ended(shop.begin()).counts[1:3] == (0, 0)


NEW_YORK = "America/New_York"


def last_change() -> datetime.datetime:
    """The night in which New York's clocks were last put on or back, to an hour."""
    zone = ZoneInfo(NEW_YORK)
    moment = datetime.datetime.now(datetime.UTC)
    offset = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == offset:
        moment -= datetime.timedelta(hours=1)
    return moment


def in_new_york() -> None:
    os.environ["TZ"] = NEW_YORK
    time.tzset()


def test_what_is_due_after_a_night_in_which_clocks_change(shop: Shop) -> None:
    """An interval that spans it is as long as any other: by the wall's clock it would end an hour off."""
    if shop.database.target.engine == "postgres":
        name = dict(shop.database.target.parameters)["dbname"]
        shop.execute(f"alter database {name} set timezone = '{NEW_YORK}'")
    before = last_change() - datetime.timedelta(hours=12)
    minutes = int((datetime.datetime.now(datetime.UTC) - before).total_seconds() // 60)
    listed = {}
    for spare in (30, -30):
        shop.execute(
            "update integrations set last_sync_at = cast($then as timestamptz), sync_interval_minutes = $minutes",
            then=before.isoformat(),
            minutes=minutes + spare,
        )
        ran = shop.command("integrations", "list", "--due", "--json", prepare=in_new_york)
        assert ran.status == 0, ran
        listed[spare] = len(ran.json)
    assert listed == {30: 0, -30: 1}, "not yet due for half an hour, and due since half an hour"


def test_a_sync_in_another_time_zone(shop: Shop, undisturbed: Control) -> None:
    synced = shop.ended(shop.begin(prepare=in_new_york))
    assert (synced.status, synced.counts) == (undisturbed.synced.status, undisturbed.synced.counts), synced.ran
    assert left(shop) == undisturbed.left and len(shop.products()) == PRODUCTS + 1
