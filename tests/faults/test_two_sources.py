"""Two sources at once on Postgres: whole syncs of both side by side, each with its own turn, products and history."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipelines import transform
from tests.faults import twin
from tests.shop import KEY, PAGE, PRODUCTS, GatedSandbox, Shop
from tests.test_interrupt import products_locked, publishes_waiting
from tests.warm import PATIENCE, Prepare, Running, until

pytestmark = [pytest.mark.postgres_only, pytest.mark.long]

OTHERS = 30
"""Products of the other shop."""


@pytest.fixture
def other() -> Iterator[GatedSandbox]:
    """The other source's shop; its first products have the ids of ours, which is no matter between two sources."""
    with GatedSandbox(products=OTHERS, page_cap=PAGE, rate=None) as sandbox:
        yield sandbox


@pytest.fixture
def both(stocked: Shop, other: GatedSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """What a process is prepared with that knows both sources, on a database that has both (the twin without views)."""
    twin.stage(stocked)
    stocked.configure(patience_seconds=PATIENCE)
    twin.add(stocked, other.base_url)
    made = twin.project(tmp_path)
    monkeypatch.setattr(transform, "PROJECT", made)
    stocked.execute("update guidelight_migrations set digest = $now where name = 'views'", now=transform.release())
    return partial(twin.register, made, stocked.database.url)


def held(shop: Shop, other: GatedSandbox, prepare: Prepare) -> tuple[Running, Running]:
    """A sync of each, which both have asked for their third page and get no answer."""
    gates = shop.sandbox.hold(3), other.hold(3)
    key = {KEY: shop.sandbox.api_key}
    syncs = [shop.begin("--type", source, env=key, prepare=prepare) for source in ("treez", twin.TWIN)]
    for gate in gates:
        gate.await_arrival()
    return syncs[0], syncs[1]


def let_go(shop: Shop, other: GatedSandbox) -> None:
    shop.let_go()
    assert other.gate is not None
    other.gate.open()
    other.gate = None


def counted(shop: Shop) -> dict[str, int]:
    rows = shop.rows("select source, count(*) as n from products where is_active group by source")
    return {row["source"]: row["n"] for row in rows}


def test_whole_syncs_of_two_sources_run_side_by_side(stocked: Shop, other: GatedSandbox, both: Prepare) -> None:
    """Both read, both land, both wait in their publish; and then each has published what is its own."""
    dearer = stocked.active(1)[0]
    dearer["sellable_quantity"] = 4321
    stocked.serve()
    ours, theirs = held(stocked, other, both)
    turns = stocked.rows("select source, pid from sync_turns where sync_log_id is not null order by source")
    assert turns == [{"source": "treez", "pid": ours.pid}, {"source": twin.TWIN, "pid": theirs.pid}]
    refused = stocked.ended(stocked.begin("--type", twin.TWIN, prepare=both))
    assert refused.status == 4 and f"{twin.TWIN} is already syncing" in refused.result["error"], refused.ran
    with products_locked(stocked):
        let_go(stocked, other)
        until(lambda: len(publishes_waiting(stocked)) == 2, "both publishes wait for the app")
        assert stocked.value("select count(*) from sync_logs where status = 'running'") == 2
    first, second = stocked.ended(ours), stocked.ended(theirs)
    assert (first.status, first.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1)), first.ran
    assert (second.status, second.counts) == (0, (OTHERS, OTHERS, 0, 0)), second.ran
    assert set(stocked.changes(first)) == {dearer["product_id"]}
    assert set(stocked.changes(second)) == {record["product_id"] for record in other.products}
    whose = stocked.rows(
        "select distinct source, sync_log_id from product_changes where sync_log_id = $id", id=second.row["id"]
    )
    assert whose == [{"source": twin.TWIN, "sync_log_id": second.row["id"]}]
    again = stocked.command("sync", "--json", prepare=both)
    assert again.status == 0, again
    assert [result["stats"]["updated"] + result["stats"]["created"] for result in again.json] == [0, 0]


def test_one_is_killed_and_the_other_goes_on(stocked: Shop, other: GatedSandbox, both: Prepare) -> None:
    before = counted(stocked)
    ours, theirs = held(stocked, other, both)
    ours.kill()
    let_go(stocked, other)
    second = stocked.ended(theirs)
    assert (second.status, second.counts) == (0, (OTHERS, OTHERS, 0, 0)), second.ran
    dead = [log for log in stocked.logs() if log["status"] == "running"]
    assert len(dead) == 1, "nobody but who takes its turn closes its log"
    again = stocked.ended(stocked.begin("--type", "treez", prepare=both))
    assert (again.status, again.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS)), again.ran
    assert stocked.log(str(dead[0]["id"]))["error_message"] == "interrupted before publish"
    after = counted(stocked)
    assert after.pop(twin.TWIN) > 0 and after == before
