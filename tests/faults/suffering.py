"""A shop that moves on and meets a fault: what must hold whatever the fault is, and what it came to."""

from __future__ import annotations

from typing import Any

import orjson

from models.record import canonical, digest
from tests.faults.matrix import Case
from tests.security.canary import CANARY, leaks
from tests.shop import Shop, Synced

APART = ("id", "integration_id", "created_at", "updated_at", "last_synced_at", "absent_since")
"""Columns of `products` and product_sync_state that differ from run to run."""

PATIENCE = {"patience_seconds": 2}

TAKES_OFF_THE_SHELF = frozenset({"deleting", "short-page"})
"""Faults by which a product is no longer listed in any reading, nor there by its id: gone, by all that can be known."""

TOUCHED = 12
"""Products that a fault of the records may change at most: what they say is what the source said."""


def moved(shop: Shop, day: int) -> None:
    """Another day at the shop: some products cost something else, one is gone, one is new."""
    records = shop.sandbox.products
    for record in records[day % 5 :: 5]:
        record["pricing"] |= {"price_type": "FLAT", "price_sell": 100 + day, "discounted_price": None}
    records.pop(7)
    new = orjson.loads(orjson.dumps(records[0]))
    new |= {"product_id": f"day-{day}", "e_commerce": {"menu_title": f"New on day {day}"}}
    records.insert(20, new)
    shop.serve()


def suffer(shop: Shop, case: Case) -> tuple[Synced, str]:
    """Sync while the fault lasts. What must hold of every sync is asserted; returned is what it came to, in words."""
    before, active = shop.published(), _active(shop)
    shop.configure(**PATIENCE)
    shop.sandbox.set_faults([case.text])
    synced = shop.sync("--verbose")
    shop.sandbox.set_faults([])
    assert "Traceback" not in synced.ran.stderr, synced.ran.stderr
    assert leaks(shop, synced.ran, CANARY, "sandbox-token-") == []
    problems = {kind for kind, _ in synced.problems}
    assert all("\n" not in message and message for _, message in synced.problems)
    if synced.row["published_at"] is None:
        assert synced.status == 1 and shop.published() == before
        assert problems == {"failure"}
    else:
        assert synced.status == (3 if problems else 0)
        rejected = [message for kind, message in synced.problems if kind == "rejected record"]
        assert len(rejected) == synced.receipt["rejected"], "rejected silently"
        if not problems:
            assert len(_behind(shop)) <= TOUCHED, "a success that isn't one"
        if not synced.row["listing_complete"]:
            assert synced.receipt["absent"] == 0
    listed = {record["product_id"] for record in shop.sandbox.products}
    lost = (active & listed) - _active(shop) - _switched_off(shop)
    if case.fault not in TAKES_OFF_THE_SHELF:
        assert len(lost) <= TOUCHED and not lost & set((synced.row["summary"] or {}).get("absent", [])), lost
    words = {0: "success", 1: "failed", 3: "partial"}[synced.status]
    kinds = ", ".join(sorted(problems - {"failure"}))
    return synced, f"{words}: {kinds}" if kinds else words


def healed(shop: Shop) -> Synced:
    """Sync once more, undisturbed: `products` follows the source again, whatever had happened."""
    shop.serve()
    synced = shop.sync("--allow-mass-deactivation")
    assert synced.status == 0, synced.ran.stderr
    assert _behind(shop) == []
    assert leaks(shop, synced.ran, CANARY, "sandbox-token-") == []
    listed = {record["product_id"] for record in shop.sandbox.products}
    assert _active(shop) <= listed
    return synced


def standing(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    """What `products` and product_sync_state hold of what is listed, times and ids of ours apart."""
    listed = {record["product_id"] for record in shop.sandbox.products}
    return {
        table: [
            {name: value for name, value in row.items() if name not in APART}
            for row in shop.rows(f"select * from {table} order by source_id")
            if row["source_id"] in listed
        ]
        for table in ("products", "product_sync_state")
    }


def _behind(shop: Shop) -> list[str]:
    """The products of which not the record that is listed now was seen last."""
    seen = {row["source_id"]: row for row in shop.rows("select * from product_sync_state where absent_since is null")}
    behind = []
    for record in shop.sandbox.products:
        content = digest(canonical(orjson.dumps(record))[1])
        known = seen.get(record["product_id"])
        if known is None or known["content_hash"] != content:
            behind.append(record["product_id"])
    return behind


def _active(shop: Shop) -> set[str]:
    return {
        row["source_id"] for row in shop.rows("select source_id from products where source = 'treez' and is_active")
    }


def _switched_off(shop: Shop) -> set[str]:
    """What the record seen last says is not active."""
    return {row["source_id"] for row in shop.rows("select source_id from product_sync_state where not is_active")}
