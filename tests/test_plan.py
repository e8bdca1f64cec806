"""`guidelight plan` and `sync --expect`: what is shown is what an immediate sync does, and nothing of it is kept."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

import pytest

from tests.shop import KEY, PAGE, PRODUCTS, Shop
from tests.warm import Ran, start

pytestmark = pytest.mark.alternating


def whole(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table in every schema of ours; on Postgres also which transaction wrote it."""
    with shop.connection() as connection:
        tables = connection.rows(
            "select table_schema as s, table_name as t from information_schema.tables "
            "where table_type = 'BASE TABLE' and table_schema not in ('information_schema', 'pg_catalog') order by 1, 2"
        )
        version = ", xmin::text as version" if connection.is_postgres else ""
        names = [f"{row['s']}.{row['t']}" for row in tables]
        found = {name: connection.rows(f"select *{version} from {name} as of_table") for name in names}
    # The turn is taken and given back, and dlt writes the one row of its own schema anew with each load.
    apart = (".sync_turns", "._dlt_version")
    return {name: sorted(rows, key=str) for name, rows in found.items() if not name.endswith(apart)}


def planned(shop: Shop, *options: str) -> Ran:
    return shop.command("plan", "--json", *options)


def moved(shop: Shop) -> dict[str, str]:
    """A bit of everything: {what happened: to which product}."""
    dearer, sold_out, gone, merged, survivor, edited, off, unreadable = shop.active(8)
    dearer["pricing"] |= {"price_type": "FLAT", "price_sell": 777, "discounted_price": None}
    sold_out |= {"sellable_quantity": 0, "sellable_quantity_detail": []}
    survivor["merged_from_product_ids"] = [merged["product_id"]]
    off |= {"product_status": "DEACTIVATED", "above_threshold": False}
    unreadable["product_configurable_fields"]["name"] = " "
    (unreadable["e_commerce"] or {})["menu_title"] = None
    new = dearer | {"product_id": "new-one", "e_commerce": {"menu_title": "New one"}}
    shop.remove([gone, merged])
    shop.sandbox.products.append(new)
    shop.serve()
    shop.execute("update products set brand = 'Mine' where source_id = $id", id=edited["product_id"])
    told = {"dearer": dearer, "sold_out": sold_out, "gone": gone, "merged": merged, "survivor": survivor}
    told |= {"edited": edited, "off": off, "unreadable": unreadable, "new": new}
    return {name: record["product_id"] for name, record in told.items()}


def test_a_plan_says_what_an_immediate_sync_does_and_keeps_nothing(stocked: Shop) -> None:
    ids = moved(stocked)
    before = whole(stocked)
    ran = planned(stocked)
    plan = ran.json
    assert ran.status == 3, "a record would be rejected"
    assert whole(stocked) == before
    assert planned(stocked).json["digest"] == plan["digest"], "the same again"

    synced = stocked.sync("--expect", plan["digest"])
    assert synced.row["status"] == "partial" and synced.result["stats"] == plan["stats"]
    assert synced.summary["asked"] == {"expect": plan["digest"]}
    done = {row["source_id"]: row for row in plan["changes"]}
    kept = stocked.changes(synced)
    assert done.keys() == kept.keys() >= set(ids.values()) - {ids["unreadable"]}
    for source_id, row in kept.items():
        assert [done[source_id][name] for name in ("change", "cause", "fields")] == [
            row[name] for name in ("change", "cause", "fields")
        ]
        assert done[source_id]["name"]
    assert done[ids["merged"]]["merged_into"] == [ids["survivor"]]
    assert done[ids["survivor"]]["merged_from"] == [ids["merged"]]
    assert {name for name, row in done.items() if "merged_into" in row or "merged_from" in row} == {
        ids["merged"], ids["survivor"]
    }  # fmt: skip
    assert done[ids["edited"]]["cause"] == "edit overwritten"
    shown = stocked.command("logs", "show", str(synced.row["id"])).stdout
    assert f"{ids['merged']} was merged into {ids['survivor']}" in shown

    nothing = planned(stocked).json
    assert nothing["changes"] == [] and nothing["stats"]["unchanged"] == PRODUCTS - 2
    assert nothing["digest"] != plan["digest"]


def test_what_moved_on_since_the_plan_is_said_and_nothing_is_published(stocked: Shop) -> None:
    ids = moved(stocked)
    digest = planned(stocked).json["digest"]
    record = next(one for one in stocked.sandbox.products if one["product_id"] == ids["dearer"])
    record["pricing"]["price_sell"] = 778
    stocked.execute("update products set brand = 'Ours' where source_id = $id", id=ids["sold_out"])
    stocked.serve()
    before = stocked.published()
    failed = stocked.sync("--expect", digest[:12])
    assert failed.status == 1 and stocked.published() == before
    error = failed.result["error"]
    assert f"{ids['dearer']} would get price_retail 778.0 for 777.0, another record" in error
    assert f"{ids['sold_out']} would get brand " in error and " for null" in error
    elsewhere = stocked.sync("--expect", "0123456789ab").result["error"]
    assert "now it would be created 1, updated" in elsewhere and "guidelight plan" in elsewhere


def test_an_edit_between_the_comparison_and_the_publish_is_seen_in_it(stocked: Shop) -> None:
    moved(stocked)
    digest = planned(stocked).json["digest"]
    source_id = stocked.active(9)[8]["product_id"]
    before = stocked.published()
    failed = stocked.sync("--expect", digest, prepare=partial(editing_in_between, stocked.database.url, source_id))
    assert failed.status == 1 and "no longer what was planned" in failed.result["error"]
    after = stocked.published()
    assert after["product_changes"] == before["product_changes"]
    assert stocked.products()[source_id]["brand"] == "Mine"


def test_the_guards_word_is_in_the_digest(stocked: Shop) -> None:
    stocked.remove(stocked.active(15))
    held = planned(stocked)
    assert held.status == 3 and held.json["held_back"] == 15
    assert [one["kind"] for one in held.json["problems"]] == ["guard"]
    assert held.json["stats"]["errors"] == 1 and held.json["changes"] == []
    gone = planned(stocked, "--allow-mass-deactivation").json
    assert len(gone["changes"]) == 15 and gone["held_back"] == 0 and gone["digest"] != held.json["digest"]
    assert stocked.sync("--expect", gone["digest"]).status == 1
    synced = stocked.sync("--expect", gone["digest"], "--allow-mass-deactivation")
    assert len(stocked.changes(synced)) == 15


def test_a_plan_before_the_first_sync_in_words(shop: Shop) -> None:
    ran = shop.command("plan")
    lines = ran.stdout.splitlines()
    assert ran.status == 0, ran.stderr
    assert f"{PRODUCTS} fetched, {PRODUCTS} created, 0 updated, 0 unchanged, 0 absent, 0 errors" in ran.stdout
    assert "guidelight sync --expect" in lines[-1] and lines[-2].startswith("digest ")
    assert sum(line.lstrip().startswith("created") for line in lines) == PRODUCTS
    assert shop.logs() == [] and shop.products() == {}
    assert shop.value("select count(*) as n from staging_treez.payloads") == 0


def test_a_plan_has_the_turn_and_a_killed_one_leaves_nothing_behind(stocked: Shop) -> None:
    moved(stocked)
    before = whole(stocked)
    stocked.configure(patience_seconds=60)
    gate = stocked.sandbox.hold(PAGE // 5)
    words = ["plan", "--json", "--database", stocked.database.url]
    running = start(words, home=stocked.home, env={KEY: stocked.sandbox.api_key}, prepare=dying_once_landed)
    gate.await_arrival()
    refused = stocked.begin().wait()
    assert refused.status == 4 and "is already being read for a plan" in refused.json["error"]
    stocked.let_go()
    ran = running.wait()
    assert ran.status == -9, ran
    with stocked.connection() as connection:
        assert connection.value(
            "select count(*) as n from staging_treez.sightings where sync_log_id not in (select id from sync_logs)"
        )
    stocked.configure(patience_seconds=None)
    assert planned(stocked).status == 3
    left = whole(stocked)
    assert {name for name in left if left[name] != before[name]} <= {"public.integrations", "main.integrations"}


def test_an_interrupted_plan_tidies_up(stocked: Shop) -> None:
    moved(stocked)
    before = whole(stocked)
    gate = stocked.sandbox.hold(PAGE // 5)
    running = start(
        ["plan", "--json", "--database", stocked.database.url], home=stocked.home, env={KEY: stocked.sandbox.api_key}
    )
    gate.await_arrival()
    running.send(signal.SIGTERM)
    ran = running.wait()
    stocked.let_go()
    assert ran.status == 143 and ran.json["error"] == "interrupted by SIGTERM"
    assert whole(stocked) == before and stocked.value("select sync_log_id from sync_turns") is None


def dying_once_landed() -> None:
    """In the plan's process: die once everything is in staging."""
    from pipelines import plan

    plan.evaluate = lambda *given: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]


def editing_in_between(url: str, source_id: str) -> None:
    """In the sync's process: a person edits a product once the plan was compared, and before the publish."""
    from pipelines import sync
    from pipelines.database import connect
    from pipelines.settings import target

    expect = sync._expect

    def then_edit(*given: Any) -> None:
        expect(*given)
        with connect(target(url)) as connection:
            connection.execute("update products set brand = 'Mine' where source_id = $id", id=source_id)

    sync._expect = then_edit


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--expect", "xyz"], "--expect takes the digest"),
        (["--expect", "0123456789ab", "--product", "p"], "exclude each other"),
        (["--expect", "0123456789ab", "--due"], "can't go with --due"),
    ],
)
def test_what_expect_cannot_go_with(shop: Shop, options: list[str], says: str) -> None:
    ran = shop.command("sync", *options)
    assert ran.status == 2 and says in ran.stderr


def test_a_plan_that_cannot_be_kept_is_told_all_the_same(stocked: Shop) -> None:
    build = stocked.home / "build"
    build.mkdir(parents=True)
    (build / "plans").write_text("a file where the folder should be")
    ran = planned(stocked)
    assert (ran.status, ran.json["changes"]) == (0, []), ran.stderr
    assert "could not be kept" in ran.stderr and "Traceback" not in ran.stderr


def test_a_plan_that_fails_says_so_as_a_sync_does(shop: Shop) -> None:
    shop.configure(dispensary_id="nobody")
    ran = planned(shop)
    assert ran.status == 1 and ran.json["success"] is False and "dispensary" in ran.json["error"].lower()
    assert shop.logs() == []
