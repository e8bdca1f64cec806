"""One engine's side of a sequence: what its tables hold after a sync, and how that must be what the model says."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from pipelines.verify import verify
from tests.receipt import balance
from tests.shop import Shop
from tests.state.model import COLUMNS, Change, Model, Told
from tests.warm import Ran, Running

KILLED = -9
EXIT = {"success": 0, "partial": 3, "failed": 1}
PERSONAL = ("id", "created_at", "image_asset_id")
"""What an update never touches, beside what is not ours."""

LISTS = {"new_products": "created", "updated": "updated", "absent": "absent"}


class Side:
    """A shop on one engine, and what its `products` held before the sync that is run."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._before: dict[Any, dict[str, Any]] = {}
        self._standing: dict[str, int] = {}
        self._logs: list[dict[str, Any]] = []

    def remember(self) -> None:
        """Take down every row as it is now: on Postgres with the transaction that wrote it."""
        self._before = self._rows()
        self._standing = self.shop.standing()

    def ended(self, running: Running, told: Told) -> None:
        """Wait for a sync: it must end as it should, and add up by itself."""
        if told.killed:
            self.died(running.wait())
            return
        synced = self.shop.ended(running)
        said = f"{self.shop.database.engine}: {synced.ran.stderr}"
        assert synced.result["status"] == told.status, said
        assert synced.status == EXIT[told.status], said
        balance(self.shop, synced, self._standing)

    def died(self, ran: Ran) -> None:
        assert ran.status == KILLED, ran

    def compare(self, model: Model, told: Told) -> None:
        """Every row of `products`, every change ever made, every log."""
        after = self._rows()
        self._logs = self.shop.logs()
        self._compare_products(model, after)
        self._compare_untouched(told, after)
        changes = self.changes()
        assert len(self._logs) == len(model.syncs)
        for log, one in zip(self._logs, model.syncs, strict=True):
            expected = {source_id: _plain(change) for source_id, change in one.changes.items()}
            self._same("product_changes", changes.pop(log["id"], {}), expected)
            _compare_log(log, one)
        assert not changes, "changes under no log"
        self._compare_confirmed(model)
        self._verify(told)

    def changes(self) -> dict[Any, dict[str, Any]]:
        """{sync_log_id: {source_id: the change}}; a product stands at most once under a sync."""
        found: dict[Any, dict[str, Any]] = {}
        for row in self.shop.rows("select * from product_changes where source = 'treez'"):
            under = found.setdefault(row["sync_log_id"], {})
            assert row["source_id"] not in under
            fields = {name: (_number(one.get("old")), _number(one.get("new"))) for name, one in row["fields"].items()}
            under[row["source_id"]] = _plain(Change(row["change"], row["cause"], fields))
        assert self.shop.value("select count(*) from product_changes where source <> 'treez'") == 0
        return found

    def facts(self) -> dict[str, Any]:
        """What the other engine must hold as well, ids and times apart."""
        numbers = {log["id"]: number for number, log in enumerate(self._logs)}
        sightings = self.shop.rows("select sync_log_id, source_id, content_hash from staging_treez.sightings")
        rejected = self.shop.rows(
            "select sync_log_id, source_id, reason, record_text from staging_treez.rejected_records"
        )
        return {
            "products": [_shared(row) for row in self._rows().values()],
            "state": [_shared(row) for row in self.shop.rows("select * from product_sync_state order by source_id")],
            "changes": {numbers[log]: changes for log, changes in self.changes().items()},
            "logs": [_told_by(log) for log in self._logs],
            "sightings": Counter((numbers[row.pop("sync_log_id")], *row.values()) for row in sightings),
            "rejected": Counter((numbers[row.pop("sync_log_id")], *row.values()) for row in rejected),
        }

    def _rows(self) -> dict[Any, dict[str, Any]]:
        with self.shop.connection() as connection:
            version = ", xmin::text as version" if connection.is_postgres else ""
            rows = connection.rows(f"select *{version} from products order by source, source_id, name")
        return {(row["source"], row["source_id"] or row["name"]): row for row in rows}

    def _same(self, what: str, found: dict[Any, Any], expected: dict[Any, Any]) -> None:
        """Where two differ, say each difference."""
        differing = [
            f"  {key}: {found.get(key)}\n  not: {expected.get(key)}"
            for key in {**found, **expected}
            if found.get(key) != expected.get(key)
        ]
        assert not differing, "\n".join([f"{what} on {self.shop.database.engine}:", *differing])

    def _compare_products(self, model: Model, after: dict[Any, dict[str, Any]]) -> None:
        ours = {key[1]: row for key, row in after.items() if key[0] == "treez"}
        held = {source_id: {name: _number(row[name]) for name in COLUMNS} for source_id, row in ours.items()}
        self._same("products", held, model.products)
        for source_id, row in ours.items():
            wrote = model.written_by.get(source_id)
            written_at = None if wrote is None else self._logs[wrote]["published_at"]
            self._same("last_synced_at", {source_id: row["last_synced_at"]}, {source_id: written_at})

    def _compare_confirmed(self, model: Model) -> None:
        """Which sync counts as the one that confirmed every active product it did not reject.

        DESIGN.md says the last published full one with a complete listing. Not so one whose guard held back: its
        listing lacks products that stay active, and which it so did not confirm.
        """
        syncs = zip(self._logs, model.syncs, strict=True)
        *_, confirmed = (log["started_at"] for log, one in syncs if one.complete and not one.held_back)
        assert self.shop.value("select last_complete_sync_at from integrations") == confirmed

    def _verify(self, told: Told) -> None:
        """`guidelight verify` recomputes the receipt from the tables by itself, and finds nothing wrong."""
        if told.published or not told.killed:
            verified = verify(self.shop.database.url, str(self._logs[-1]["id"]))
            assert verified["ok"], [one for one in verified["equations"] if one["ok"] is False]

    def _compare_untouched(self, told: Told, after: dict[Any, dict[str, Any]]) -> None:
        """What is not changed is not written: the row is the very same."""
        for key, row in self._before.items():
            change = told.changes.get(key[1]) if key[0] == "treez" else None
            if change is None:
                assert after[key] == row, key
            else:
                assert all(after[key][name] == row[name] for name in PERSONAL), key


def _compare_log(log: dict[str, Any], told: Told) -> None:
    assert (log["status"], log["scope"]) == (told.status, told.scope), log["error_message"]
    assert (log["published_at"] is not None) is told.published
    assert (log["completed_at"] is None) is (told.status == "running")
    if not told.published:
        return
    counts = tuple(log[f"products_{name}"] for name in ("fetched", "created", "updated", "unchanged"))
    expected = (told.fetched, len(told.having("created")), len(told.having("updated")), told.unchanged)
    assert counts == expected, f"fetched, created, updated, unchanged are {counts}, not {expected}"
    assert log["listing_complete"] is told.complete, log["error_details"]
    summary = log["summary"]
    for name, change in LISTS.items():
        assert set(summary[name]) == told.having(change), f"{name}: {summary[name]}, not {told.having(change)}"
    assert set(summary["deactivated"]) == told.turned(new=False), summary["deactivated"]
    assert set(summary["reactivated"]) == told.turned(new=True), summary["reactivated"]
    assert set(summary["edits_kept"]) == told.edits_kept, summary["edits_kept"]
    assert summary["receipt"]["held_back"] == told.held_back, summary["receipt"]
    if told.killed:
        return
    assert Counter((log["error_details"] or {"counts": {}})["counts"]) == +told.errors, log["error_details"]
    assert log["errors_count"] == told.errors.total()
    if told.duplicates is not None:
        assert summary["duplicates"] == told.duplicates, summary["duplicates"]


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _plain(change: Change) -> Change:
    """A change with source_data as the mere fact, for product_changes has but hashes; null to null is not there."""
    fields = {
        name: (None, "another") if name == "source_data" else (old, new)
        for name, (old, new) in change.fields.items()
        if (old, new) != (None, None)
    }
    return Change(change.change, change.cause, fields)


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    apart = {"id", "integration_id", "version"}
    return {
        name: _number(value) if not hasattr(value, "isoformat") else "a time"
        for name, value in row.items()
        if name not in apart
    }


def _told_by(log: dict[str, Any]) -> dict[str, Any]:
    details, summary = log["error_details"] or {"problems": []}, dict(log["summary"] or {})
    summary.pop("checks", None)
    # In a listing that moves it is chance, which pages were asked for before it moved; else the model tells the number.
    summary.pop("duplicates", None)
    warnings = summary.pop("warnings", None) or []
    return {
        "problems": sorted((one["kind"], str(one["concerns"])) for one in details["problems"]),
        "warnings": sorted(one["kind"] for one in warnings),
        **{name: sorted(value) if isinstance(value, list) else value for name, value in summary.items()},
    }
