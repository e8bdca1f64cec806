"""`guidelight staging` and `guidelight status`: what they print, as JSON and in words, and when they refuse."""

from __future__ import annotations

import pytest

from pipelines.staging import is_healthy
from tests.databases import TestDatabase
from tests.shop import PRODUCTS, Shop
from tests.warm import run

pytestmark = pytest.mark.alternating

COMMANDS = (["staging", "list"], ["staging", "show"], ["staging", "rejected"], ["status"])


def test_the_syncs_that_are_kept_newest_first(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record["sellable_quantity"] += 1
    stocked.serve()
    stocked.sandbox.set_faults(["bad-records:count=3"])
    second = stocked.sync()
    rows = stocked.command("staging", "list", "--json").json
    assert [row["sync_log_id"] for row in rows] == [str(log["id"]) for log in reversed(stocked.logs())]
    assert [(row["products"], row["new_contents"], row["rejected"]) for row in rows] == [
        (PRODUCTS, 1, second.receipt["rejected"]),
        (PRODUCTS, PRODUCTS, 0),
    ]
    assert [(row["source"], row["scope"], row["status"]) for row in rows] == [
        ("treez", "full", "partial"), ("treez", "full", "success")
    ]  # fmt: skip
    words = stocked.command("staging", "list")
    assert words.stderr == "" and all(row["sync_log_id"] in words.stdout for row in rows)


def test_a_failed_sync_is_listed_too(stocked: Shop) -> None:
    stocked.sandbox.set_faults(["repeat-page"])
    stocked.sync()
    stocked.execute(
        "update sync_logs set published_at = null, status = 'failed' "
        "where started_at = (select max(started_at) from sync_logs)"
    )
    rows = stocked.command("staging", "list", "--json").json
    assert [row["status"] for row in rows] == ["failed", "success"]
    assert rows[0]["published_at"] is None


def test_the_products_of_the_newest_published_sync(stocked: Shop) -> None:
    rows = stocked.command("staging", "show", "--json", "--limit", "100").json
    products = stocked.products()
    assert {row["source_id"]: row["name"] for row in rows} == {key: row["name"] for key, row in products.items()}
    assert [row["name"] for row in rows[:20]] == [
        row["name"] for row in stocked.command("staging", "show", "--json").json
    ]
    for row in rows:
        product = products[row["source_id"]]
        assert (row["category"], row["stock_quantity"], row["is_active"]) == (
            product["category"], product["stock_quantity"], product["is_active"]
        )  # fmt: skip
        assert row["page"] in (1, 2, 3, 4)
    words = stocked.command("staging", "show", "--limit", "100").stdout
    assert all(source_id in words for source_id in products)


def test_one_product_with_its_record_and_what_it_looked_like(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    source_id, quantity = record["product_id"], record["sellable_quantity"]
    before = stocked.command("staging", "show", source_id, "--json").json["contents"][0]["content_hash"]
    stocked.sync()
    record["sellable_quantity"] = quantity + 1
    stocked.serve()
    stocked.sync()
    record["sellable_quantity"] = quantity
    stocked.serve()
    last = stocked.sync()
    shown = stocked.command("staging", "show", source_id[:8], "--json").json
    assert shown["source_id"] == source_id and shown["sync_log_id"] == str(last.row["id"])
    assert shown["payload"]["sellable_quantity"] == quantity
    contents = shown["contents"]
    assert [one["syncs"] for one in contents] == [2, 1, 1]
    assert contents[0]["content_hash"] == contents[2]["content_hash"] == before != contents[1]["content_hash"]
    assert contents[0]["first_seen_at"] < contents[0]["last_seen_at"] < contents[1]["first_seen_at"]
    words = stocked.command("staging", "show", source_id).stdout
    assert source_id in words and '"product_configurable_fields": {' in words and before[:12] in words


def test_a_product_that_nobody_saw(stocked: Shop) -> None:
    for given in ("no-such-product", "", "%"):
        ran = stocked.command("staging", "show", given)
        assert ran.status == 2 and "guidelight staging rejected" in ran.error and ran.stdout == ""
    common = max("0123456789abcdef", key=lambda letter: sum(key.startswith(letter) for key in stocked.products()))
    ran = stocked.command("staging", "show", common)
    assert ran.status == 2 and "give more of the id" in ran.error


def test_a_product_whose_content_is_still_on_its_way(stocked: Shop) -> None:
    """dlt lands each table for itself: a sighting can be there a moment before its content."""
    stocked.execute(
        "insert into staging_treez.sightings "
        "(sync_log_id, integration_id, source_id, content_hash, page, extracted_at) "
        "select id, integration_id, 'on its way', 'none yet', 1, now() from sync_logs"
    )
    ran = stocked.command("staging", "show", "on its way", "--json")
    assert ran.status == 2 and ran.json["error"].startswith("No kept sync received a product on its way"), ran


def test_what_was_rejected_and_why(stocked: Shop) -> None:
    first = str(stocked.logs()[0]["id"])
    assert stocked.command("staging", "rejected", "--json").json == []
    stocked.sandbox.set_faults(["bad-records:count=6"])
    second = str(stocked.sync().row["id"])
    rows = stocked.command("staging", "rejected", "--json").json
    kept = stocked.rows("select source_id, reason, record_text from staging_treez.rejected_records")
    assert len(rows) == len(kept) > 1 and {row["sync_log_id"] for row in rows} == {second}
    assert {(row["source_id"], row["reason"], row["record_text"]) for row in rows} == {
        (row["source_id"], row["reason"], row["record_text"]) for row in kept
    }
    assert stocked.command("staging", "rejected", "--json", "--sync", first).json == []
    assert stocked.command("staging", "rejected", "--json", "--sync", second[:8].upper()).json == rows
    words = stocked.command("staging", "rejected")
    assert all(row["reason"] in words.stdout for row in rows)
    assert "rejected nothing" in stocked.command("staging", "rejected", "--sync", first).stderr
    for given in ("ffffffff-0000-0000-0000-000000000000", ""):
        ran = stocked.command("staging", "rejected", "--sync", given)
        assert ran.status == 2 and "Sync not found" in ran.error


def test_a_record_s_text_can_t_steer_the_terminal(stocked: Shop) -> None:
    stocked.execute("update staging_treez.rejected_records set reason = 'x'")
    stocked.execute(
        "insert into staging_treez.rejected_records select id, integration_id, null, 'is [red]odd[/x]', 1, started_at, "
        "$text, 9 from sync_logs",
        text="\x1b[2Jgone :smile:\nnext",
    )
    ran = stocked.command("staging", "rejected")
    assert ran.status == 0 and "\x1b" not in ran.stdout
    assert "is [red]odd[/x]" in ran.stdout and "[2Jgone :smile: next" in ran.stdout


def test_status_from_never_over_healthy_and_partial_to_failing(shop: Shop) -> None:
    def state(exit_status: int) -> str:
        ran = shop.command("status", "--json")
        assert ran.status == exit_status, ran
        (row,) = ran.json
        assert row["integration_id"] == shop.integration and row["reason"]
        found: str = row["state"]
        return found

    assert state(1) == "never"
    first = shop.sync()
    assert state(0) == "healthy"
    shop.sandbox.set_faults(["bad-records:count=1"])
    second = shop.sync()
    assert second.status == 3 and state(1) == "partial"
    shop.sandbox.set_faults(["key-refused"])
    assert shop.sync().status == 1 and shop.sync().status == 1
    assert state(1) == "failing"
    (row,) = shop.command("status", "--json").json
    assert row["failures_in_a_row"] == 2 and row["last_good_sync_id"] == str(second.row["id"]) != str(first.row["id"])
    assert row["age_minutes"] in (0, 1) and row["last_sync_status"] == "failed"
    shop.sandbox.set_faults([])
    assert shop.sync().status == 0 and state(0) == "healthy"
    shop.execute(
        "update sync_logs set started_at = started_at - interval '3 hours', "
        "published_at = published_at - interval '3 hours'"
    )
    assert state(1) == "late"
    words = shop.command("status")
    assert words.status == 1 and len(words.stdout.splitlines()) == 1
    assert words.stdout.startswith("late      Treez - Main Store (treez): last good sync ")
    assert " UTC, 3 h ago; no good sync for 18" in words.stdout
    assert shop.command("integrations", "disable", shop.integration).status == 0
    assert state(1) == "disabled"


def test_status_without_any_integration(shop: Shop) -> None:
    shop.execute("delete from integrations")
    ran = shop.command("status", "--json")
    assert (ran.status, ran.json) == (1, [])
    assert "no integration yet" in shop.command("status").stderr


@pytest.mark.parametrize(
    ("states", "healthy"),
    [
        ([], False), (["disabled"], False), (["healthy"], True), (["healthy", "disabled"], True),
        (["healthy", "late"], False), (["partial"], False), (["never"], False), (["failing"], False),
    ],
)  # fmt: skip
def test_healthy_is_when_all_that_is_switched_on_is(states: list[str], healthy: bool) -> None:
    assert is_healthy([{"state": state} for state in states]) is healthy


def test_nothing_was_synced_yet(shop: Shop) -> None:
    assert shop.command("staging", "list", "--json").json == []
    assert shop.command("staging", "show", "--json").json == []
    assert "run `guidelight sync`" in shop.command("staging", "list").stderr
    ran = shop.command("staging", "rejected")
    assert ran.status == 2 and "no sync yet" in ran.error


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_views_of_another_release_are_not_read(stocked: Shop, words: list[str]) -> None:
    stocked.execute("update guidelight_migrations set digest = '0.9.0+old' where name = 'views'")
    ran = stocked.command(*words)
    assert ran.status == 2 and "run `guidelight migrate`" in ran.error and ran.stdout == ""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_that_is_not_migrated_is_not_read(empty_database: TestDatabase, shops, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    ran = run([*words, "--database", empty_database.url], home=shops.directory / "nobody")
    assert ran.status == 2, ran
    assert "run `guidelight migrate`" in ran.error
