"""The equations that every sync must satisfy (DESIGN.md, Counts), from the tables as anyone can read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.shop import Shop, Synced


def balance(shop: Shop, synced: Synced, before: Mapping[str, int]) -> None:
    """The equations of DESIGN.md, Counts, from the tables as anyone can read them, not from what the publish says."""
    result = synced.result
    assert set(result) - {"product"} == {"success", "sync_log_id", "stats", "error", "status"}
    assert set(result["stats"]) == {"fetched", "created", "updated", "unchanged", "errors"}
    assert result["success"] is (result["status"] in ("success", "partial"))
    after = shop.standing()
    if synced.log is None or synced.status == 4:
        return
    log = synced.log
    assert log["status"] == result["status"] != "running"
    assert log["completed_at"] is not None and log["duration_ms"] >= 0
    for name in ("fetched", "created", "updated", "unchanged"):
        assert log[f"products_{name}"] == result["stats"][name]
    assert log["errors_count"] == result["stats"]["errors"]
    assert log["error_message"] == result["error"]
    changes = [row["change"] for row in shop.changes(synced).values()]
    if log["published_at"] is None:
        assert log["status"] == "failed" and changes == [] and after == before and result["error"]
        assert log["products_created"] == log["products_updated"] == log["products_unchanged"] == 0
        return
    receipt = log["summary"]["receipt"]
    rejected = shop.value("select count(*) from staging_treez.rejected_records where sync_log_id = $id", id=log["id"])
    assert log["status"] == ("partial" if log["errors_count"] else "success")
    assert changes.count("created") == log["products_created"] == receipt["created"]
    assert changes.count("updated") == log["products_updated"] == receipt["updated"]
    assert changes.count("absent") == receipt["absent"] == log["summary"]["totals"]["absent"]
    assert rejected == receipt["rejected"]
    assert (
        log["products_fetched"]
        == log["products_created"] + log["products_updated"] + log["products_unchanged"] + rejected
    )
    assert after["products"] == before["products"] + log["products_created"]
    assert (receipt["active_before"], receipt["active_after"]) == (before["active"], after["active"])
    assert after["active"] == (
        before["active"]
        + receipt["created_active"]
        + receipt["reactivated"]
        - receipt["deactivated"]
        - receipt["absent_active"]
    )
    sightings = shop.value("select count(*) from staging_treez.sightings where sync_log_id = $id", id=log["id"])
    assert sightings == log["products_fetched"] - rejected
