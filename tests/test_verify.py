"""`guidelight verify`: the receipt recomputed, what breaks it and by which products, what can't be known any more."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.retention import FULL_SYNCS_KEPT
from tests.shop import Shop
from tests.warm import Ran

NOW = (
    "products now = products after",
    "active now = active after",
    "the content last seen = the content of this sync",
    "source_data = the content last seen",
    "each active product was seen",
)
FETCHED = "fetched = created + updated + unchanged + rejected"
HISTORY = "rows of history = created + updated + absent"
LISTED = "created and updated products were listed, absent ones were not"
PAYLOADS = "each product seen has its payload"
REJECTED = "rejected = records in rejected_records"
PRODUCTS_AFTER = "products after = before + created"
ACTIVE = "active after = before + created active + reactivated - deactivated - absent"


def verified(shop: Shop, *options: str) -> Ran:
    return shop.command("verify", "--json", *options)


def by_name(ran: Ran) -> dict[str, dict[str, Any]]:
    return {one["equation"]: one for one in ran.json["equations"]}


def wrong(ran: Ran) -> dict[str, list[str]]:
    return {name: one["source_ids"] for name, one in by_name(ran).items() if one["ok"] is False}


def test_every_equation_holds_of_syncs_in_which_everything_happened(stocked: Shop) -> None:
    dearer, gone, off, back, bad = stocked.active(5)
    stocked.remove([back])
    assert stocked.sync().status == 0
    dearer["pricing"] = {"price_type": "FLAT", "price_sell": 77.5}
    off |= {"product_status": "DEACTIVATED", "above_threshold": False}
    bad["product_configurable_fields"]["name"] = None
    bad["e_commerce"] = None
    stocked.sandbox.products.append(back)
    stocked.remove([gone])
    stocked.execute("update products set is_active = false where source_id = $id", id=dearer["product_id"])
    second = stocked.sync()
    receipt = second.receipt
    assert (receipt["reactivated"], receipt["deactivated"], receipt["absent_active"], receipt["rejected"]) == (
        2,
        1,
        1,
        1,
    )
    newest = verified(stocked)
    assert newest.status == 0 and newest.json["ok"] is True, newest
    assert newest.json["sync_log_id"] == second.result["sync_log_id"]
    assert {one["ok"] for one in newest.json["equations"]} == {True}
    before = verified(stocked, "--sync", str(stocked.logs()[1]["id"])[:8])
    assert before.status == 0
    assert {name for name, one in by_name(before).items() if one["ok"] is None} == set(NOW)
    assert all("a later sync" in by_name(before)[name]["says"] for name in NOW)
    said = stocked.command("verify")
    assert said.status == 0 and "the receipt holds" in said.stdout and "unknown" not in said.stdout


def test_a_sync_of_one_product_after_edits_of_others(stocked: Shop) -> None:
    """An edit before the newest sync stands in its receipt, one after it doesn't: neither is a failure."""
    wanted, edited, later = (one["product_id"] for one in stocked.active(3))
    stocked.execute("update products set is_active = false, source_data = null where source_id = $id", id=edited)
    assert stocked.sync("--product", wanted).status == 0
    ran = verified(stocked)
    assert ran.status == 0 and by_name(ran)[NOW[1]]["source_ids"] == [edited]
    assert by_name(ran)[NOW[3]]["source_ids"] == [edited] and "by somebody" in by_name(ran)[NOW[3]]["says"]
    assert by_name(ran)[NOW[4]]["ok"] is None, "one product's listing confirms no other"
    stocked.execute("update products set is_active = false where source_id in ($one, $two)", one=later, two=wanted)
    ran = verified(stocked)
    assert ran.status == 0 and by_name(ran)[NOW[1]]["source_ids"] == sorted([wanted, edited, later])


TAMPERED = {
    "a change that is gone": (
        "delete from product_changes where source_id = $id", {FETCHED, HISTORY, PRODUCTS_AFTER, ACTIVE},
    ),
    "a sighting that is gone": ("delete from staging_treez.sightings where source_id = $id", {FETCHED, LISTED, NOW[4]}),
    "a payload that is gone": ("delete from staging_treez.payloads where source_id = $id", {PAYLOADS}),
    "a change of another kind": (
        "update product_changes set change = 'absent' where source_id = $id",
        {FETCHED, HISTORY, LISTED, PRODUCTS_AFTER, ACTIVE},
    ),
    "another record": (
        "update products set source_data = cast('{\"product_id\": \"x\"}' as jsonb) where source_id = $id", {NOW[3]},
    ),
    "another content": ("update product_sync_state set content_hash = 'x' where source_id = $id", {NOW[2]}),
}  # fmt: skip


@pytest.mark.alternating
@pytest.mark.parametrize("what", TAMPERED)
def test_what_breaks_it_and_by_which_product(stocked: Shop, what: str) -> None:
    statement, equations = TAMPERED[what]
    identity = stocked.active(1)[0]["product_id"]
    stocked.execute(statement, id=identity)
    ran = verified(stocked)
    found = wrong(ran)
    assert ran.status == 1 and ran.json["ok"] is False
    assert found.keys() == equations
    assert {identity} == {one for ids in found.values() for one in ids}
    said = stocked.command("verify")
    assert said.status == 1 and identity in said.stdout and f"{len(equations)} of 14 equations fail" in said.stdout


@pytest.mark.alternating
@pytest.mark.parametrize(
    ("statement", "equations"),
    [
        ("update sync_logs set products_unchanged = 1", {"sync_logs = receipt"}),
        ("update sync_logs set errors_count = 1", {"success = no error"}),
        ("update sync_logs set summary = cast('{}' as jsonb)", {"a published sync has a receipt"}),
        (
            "insert into staging_treez.rejected_records "
            "select sync_log_id, integration_id, 'x', 'is odd', 1, now(), '{}', 2 from staging_treez.sightings limit 1",
            {FETCHED, REJECTED},
        ),
    ],
)
def test_what_breaks_it_by_no_product(stocked: Shop, statement: str, equations: set[str]) -> None:
    stocked.execute(statement)
    ran = verified(stocked)
    assert ran.status == 1 and wrong(ran) == {name: [] for name in equations}


def test_what_people_did_since_is_said_and_no_failure(stocked: Shop) -> None:
    off, deleted = (one["product_id"] for one in stocked.active(2))
    stocked.execute("update products set is_active = false where source_id = $id", id=off)
    stocked.execute("delete from products where source_id = $id", id=deleted)
    stocked.execute(
        "insert into products (name, category, source, source_id) values ('Mine', 'other', 'treez', 'mine')"
    )
    ran = verified(stocked)
    found = by_name(ran)
    assert ran.status == 0 and {one["ok"] for one in found.values()} == {True}
    assert found[NOW[0]]["source_ids"] == sorted([deleted, "mine"])
    assert found[NOW[1]]["source_ids"] == sorted([deleted, off]) and "by somebody" in found[NOW[1]]["says"]


@pytest.mark.parametrize("strategy", ["manual_wins", "merge"])
@pytest.mark.alternating
def test_an_edit_that_a_sync_kept_is_no_failure(stocked: Shop, strategy: str) -> None:
    stocked.configure(conflict_strategy=strategy)
    off, on, other = stocked.active(3)
    other["pricing"] = {"price_type": "FLAT", "price_sell": 77.5}
    stocked.serve()
    stocked.execute("update products set is_active = false where source_id = $id", id=off["product_id"])
    synced = stocked.sync()
    assert synced.status == 0 and synced.summary["edits_kept"] == [off["product_id"]]
    ran = verified(stocked)
    assert ran.status == 0 and {one["ok"] for one in ran.json["equations"]} == {True}
    stocked.execute("update products set is_active = false where source_id = $id", id=on["product_id"])
    assert by_name(verified(stocked))[NOW[1]]["ok"] is True
    stocked.execute("update products set is_active = true where source_id = $id", id=off["product_id"])
    ran = verified(stocked)
    found = by_name(ran)[NOW[1]]
    assert (ran.status, found["ok"], found["source_ids"]) == (0, None, [on["product_id"]]), "taken back since"


@pytest.mark.alternating
def test_a_receipt_that_no_edit_explains(stocked: Shop) -> None:
    """More than the edits account for: the number of active products itself is wrong."""
    off = stocked.active(1)[0]["product_id"]
    stocked.execute("update products set is_active = false where source_id = $id", id=off)
    stocked.execute(
        "update product_sync_state set is_active = false where source_id in ($one, $two)",
        one=stocked.active(2)[1]["product_id"],
        two=stocked.active(3)[2]["product_id"],
    )
    assert NOW[1] in wrong(verified(stocked))


@pytest.mark.alternating
def test_more_products_than_are_listed(stocked: Shop) -> None:
    stocked.execute("delete from staging_treez.payloads")
    found = by_name(verified(stocked))[PAYLOADS]
    assert len(found["source_ids"]) == 20 and found["products"] == 40
    assert "and 20 more" in stocked.command("verify").stdout


def test_what_retention_let_go_is_said_and_no_failure(stocked: Shop) -> None:
    (first,) = stocked.logs()
    for days in range(1, FULL_SYNCS_KEPT + 1):
        stocked.execute(
            f"""
            insert into sync_logs (integration_id, sync_type, status, started_at, published_at)
            values ($id, 'scheduled', 'success', now() + interval '{days} days', now() + interval '{days} days')
            """,
            id=stocked.integration,
        )
    stocked.execute("delete from staging_treez.sightings")
    ran = verified(stocked, "--sync", str(first["id"]))
    assert ran.status == 0 and ran.json["ok"] is True
    unknown = {name for name, one in by_name(ran).items() if one["ok"] is None}
    assert unknown == {FETCHED, REJECTED, PAYLOADS, LISTED, *NOW}
    assert "40 = 40 + 0 + 0 + 0" in by_name(ran)[FETCHED]["says"]


@pytest.mark.alternating
def test_a_failed_sync_wrote_nothing(stocked: Shop) -> None:
    stocked.sandbox.set_faults(["key-refused"])
    failed = stocked.sync()
    assert failed.status == 1
    identity = failed.result["sync_log_id"]
    assert verified(stocked).json["sync_log_id"] != identity, "the newest published one"
    ran = stocked.command("verify", "--sync", identity)
    assert ran.status == 0 and "nothing was written" in ran.stdout
    stocked.execute(
        "update product_changes set sync_log_id = $failed where source_id = $id",
        failed=identity,
        id=stocked.active(1)[0]["product_id"],
    )
    ran = verified(stocked, "--sync", identity)
    assert ran.status == 1
    assert wrong(ran) == {"published nothing = wrote nothing": [stocked.active(1)[0]["product_id"]]}


@pytest.mark.alternating
def test_nothing_to_verify(shop: Shop) -> None:
    assert "No sync has published" in refused(shop, "verify")
    shop.execute(
        "insert into sync_logs (integration_id, sync_type, status) values ($id, 'manual', 'running')",
        id=shop.integration,
    )
    assert "still running" in refused(shop, "verify", "--sync", str(shop.running_log()["id"]))
    assert "not found" in refused(shop, "verify", "--sync", "zzz")


def refused(shop: Shop, *words: str) -> str:
    ran = shop.command(*words)
    assert ran.status == 2 and ran.stdout == ""
    return ran.error
