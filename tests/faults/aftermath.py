"""What one undisturbed sync leaves, and the proof that a sync that was killed and run once more left the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.databases import Engine
from tests.shop import Shop, Synced
from tests.shops import Shops

CHANCE = {
    "products": ("id", "created_at", "updated_at", "last_synced_at"),
    "product_sync_state": ("updated_at",),
    "product_changes": ("sync_log_id", "changed_at"),
}
"""The columns in which two runs that did the same differ."""

INTERRUPTED = {
    "failed": "interrupted before publish",
    "partial": "interrupted after publish: not checked",
}


@dataclass(frozen=True, slots=True)
class Control:
    """What one undisturbed sync of the moved catalogue came to."""

    left: dict[str, list[Any]]
    untouched: dict[str, dict[str, Any]]
    """Rows of products, whole, that it had no reason to write."""
    synced: Synced
    seconds: float
    """What it took."""


def move(shop: Shop) -> None:
    """A bit of everything: dearer, new, gone, edited by a person, and a record that can't be used."""
    dearer, gone, edited, unreadable = shop.active(4)
    dearer["pricing"] |= {"price_type": "FLAT", "price_sell": 777, "discounted_price": None}
    unreadable["product_configurable_fields"]["name"] = " "
    (unreadable["e_commerce"] or {})["menu_title"] = None
    shop.sandbox.products.append(dearer | {"product_id": "new-one", "e_commerce": {"menu_title": "New one"}})
    shop.remove([gone])
    shop.execute("update products set brand = 'Mine' where source_id = $id", id=edited["product_id"])


@contextmanager
def moved(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop that was synced once and moved on; nothing of that is published."""
    with shops.open(engine, stocked=True) as shop:
        move(shop)
        yield shop


_CONTROLS: dict[tuple[str, Engine], Control] = {}


def control(shops: Shops, engine: Engine) -> Control:
    """What one undisturbed sync of a moved shop leaves; synced once for all tests of a process."""
    key = str(shops.directory), engine
    if key not in _CONTROLS:
        _CONTROLS[key] = _undisturbed(shops, engine)
    return _CONTROLS[key]


def _undisturbed(shops: Shops, engine: Engine) -> Control:
    with moved(shops, engine) as shop:
        before = shop.products()
        began = time.monotonic()
        running = shop.begin()
        running.wait()
        seconds = time.monotonic() - began
        synced = shop.ended(running)
        assert (synced.status, synced.counts[1:3]) == (3, (1, 2)), synced.ran
        after = shop.products()
        untouched = {identity: row for identity, row in after.items() if before.get(identity) == row}
        assert len(untouched) == len(after) - 4, "but for the new, the dearer, the edited and the gone"
        return Control(left(shop), untouched, synced, seconds)


def left(shop: Shop) -> dict[str, list[Any]]:
    """Every row that syncs have left, but for what chance decides; each content of staging, and what was rejected."""
    found: dict[str, list[Any]] = {}
    for table, chance in CHANCE.items():
        rows = shop.rows(f"select * from {table}")
        for row in rows:
            for name in chance:
                del row[name]
            if row.get("absent_since") is not None:
                row["absent_since"] = "once"
        found[table] = sorted(rows, key=str)
    found["payloads"] = [
        row["content_hash"] for row in shop.rows("select content_hash from staging_treez.payloads order by 1")
    ]
    newest = "(select id from sync_logs where published_at is not null order by published_at desc limit 1)"
    for table, columns in (("sightings", "source_id, content_hash"), ("rejected_records", "source_id, reason")):
        found[table] = shop.rows(
            f"select {columns} from staging_treez.{table} where sync_log_id = {newest} order by source_id"
        )
    return found


def survived(shop: Shop, by: Control, again: Synced) -> str:
    """The invariants of DESIGN.md, after a sync died and was run once more; returns how far the dead one had come."""
    assert again.status == by.synced.status, again.ran
    assert left(shop) == by.left
    products = shop.products()
    assert {identity: products[identity] for identity in by.untouched} == by.untouched, "no row is rewritten"
    assert shop.rows("select sync_log_id, heartbeat_at from sync_turns") == [
        {"sync_log_id": None, "heartbeat_at": None}
    ]
    of_nobody = shop.value(
        "select count(*) from staging_treez.sightings where sync_log_id not in (select id from sync_logs)"
    )
    assert of_nobody == 0
    return _closed(shop, by, again)


def _closed(shop: Shop, by: Control, again: Synced) -> str:
    """The dead run's log says what its publish came to, and each change stands under the run that published it."""
    first, *dead, last = shop.logs()
    assert first["status"] == "success" and last["id"] == again.row["id"]
    assert len(dead) <= 1
    changes = {
        row["id"]: row["n"]
        for row in shop.rows("select sync_log_id as id, count(*) as n from product_changes group by 1")
    }
    assert set(changes) <= {log["id"] for log in shop.logs() if log["published_at"] is not None}
    for log in dead:
        if log["published_at"] is None:
            assert (log["status"], log["error_message"]) == ("failed", INTERRUPTED["failed"])
            assert (log["products_created"], log["products_updated"], log["products_unchanged"]) == (0, 0, 0)
            assert log["completed_at"] is not None and log["errors_count"] == 1
            break
        assert changes[log["id"]] == changes_of(by) and again.row["id"] not in changes
        counts = tuple(log[f"products_{name}"] for name in ("fetched", "created", "updated", "unchanged"))
        assert counts == by.synced.counts
        assert log["completed_at"] is not None and log["status"] == "partial"
        if log["error_message"] != by.synced.row["error_message"]:
            assert log["error_message"] == INTERRUPTED["partial"]
            assert again.counts[1:3] == (0, 0)
            return "published"
        return "finished"
    assert again.counts == by.synced.counts and changes[again.row["id"]] == changes_of(by)
    return "begun" if dead else "not begun"


def changes_of(by: Control) -> int:
    """How many changes the moved catalogue makes: created, updated, absent."""
    return by.synced.counts[1] + by.synced.counts[2] + int(by.synced.receipt["absent"])
