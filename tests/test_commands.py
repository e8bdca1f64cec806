"""What scripts build on: which integrations a command means, its exit status, its JSON."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.shop import PRODUCTS, Shop
from tests.terminal import Terminal

pytestmark = pytest.mark.alternating


def test_one_integration_by_the_beginning_of_its_id_or_by_its_type(stocked: Shop) -> None:
    for options in (
        ["--integration", stocked.integration],
        ["--integration", stocked.integration[:6].upper()],
        ["--type", "treez"],
    ):
        assert stocked.sync(*options).counts == (PRODUCTS, 0, 0, PRODUCTS)


def due(shop: Shop) -> Any:
    ran = shop.command("sync", "--due", "--json")
    assert ran.status == 0, ran
    assert isinstance(ran.json, list)
    return ran.json


def test_due_is_whose_interval_has_passed(shop: Shop) -> None:
    assert [result["status"] for result in due(shop)] == ["success"]
    assert due(shop) == []
    shop.execute("update integrations set last_sync_at = now() - interval '61 minutes'")
    assert shop.command("integrations", "list", "--due", "--json").json[0]["id"] == shop.integration
    assert len(due(shop)) == 1
    shop.execute("update integrations set last_sync_at = now() - interval '2 hours', sync_interval_minutes = 180")
    assert due(shop) == []
    shop.execute("update integrations set sync_interval_minutes = 5, sync_enabled = false")
    assert due(shop) == []
    assert len(shop.logs()) == 2


def test_due_without_any_integration(shop: Shop) -> None:
    shop.execute("delete from integrations")
    ran = shop.command("sync", "--due", "--json")
    assert ran.status == 2 and "guidelight integrations add" in ran.error


def second(shop: Shop, **config: Any) -> str:
    """Another active integration, of a type that can't be synced: only what is wrong with it is looked at."""
    row = shop.rows(
        "insert into integrations (type, name, config) values ('leafly', 'Other', cast($config as jsonb)) returning id",
        config=json.dumps(config),
    )
    return str(row[0]["id"])


def test_the_exit_status_of_several(stocked: Shop) -> None:
    second(stocked)
    both = stocked.command("sync", "--json")
    assert both.status == 2 and [result["status"] for result in both.json] == ["success", None]
    stocked.sandbox.set_faults(["bad-records:count=1"])
    assert stocked.command("sync", "--json").status == 2
    stocked.sandbox.set_faults(["key-refused"])
    assert stocked.command("sync", "--json").status == 1
    stocked.sandbox.set_faults([])
    running = stocked.hold(2)
    ran = stocked.command("sync", "--json")
    assert ran.status == 2 and [result["error"] is None for result in ran.json] == [False, False]
    stocked.let_go()
    assert running.wait().status == 2


def test_a_sync_in_words(stocked: Shop) -> None:
    ran = stocked.command("sync")
    assert ran.status == 0 and ran.messages == []
    assert "fetched" in ran.stdout and "SUCCESS in" in ran.stdout and "guidelight logs show" in ran.stdout
    assert stocked.database.url.rpartition("/")[2].partition("?")[0] in ran.stdout


def test_the_json_of_a_log_and_an_integration(stocked: Shop) -> None:
    synced = stocked.sync()
    shown = stocked.command("logs", "show", str(synced.row["id"])[:8], "--json").json
    assert shown["id"] == str(synced.row["id"]) and shown["summary"] == synced.summary
    assert {name for name in shown if name.startswith("products_")} == {
        "products_fetched", "products_created", "products_updated", "products_unchanged"
    }  # fmt: skip
    assert stocked.command("logs", "show", "--json").json["id"] == shown["id"]
    listed = stocked.command("logs", "list", "--json", "--limit", "1").json
    assert [row["id"] for row in listed] == [shown["id"]]
    assert len(stocked.command("logs", "list", "--json", "--integration", stocked.integration).json) == 2
    integration = stocked.command("integrations", "show", stocked.integration, "--json").json
    assert UUID(integration["id"]) and integration["config"]["api_key"] == {"env": "GUIDELIGHT_TEST_KEY"}
    assert stocked.command("integrations", "list", "--json").json == [integration]


@pytest.mark.duckdb_only
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sync", "--bogus"], "No such option: --bogus"),
        (["logs", "list", "--limit", "x"], "Invalid value for '--limit'"),
        (["integrations", "show"], "Missing argument 'ID'"),
        (["integrations", "sink"], "No such command 'sink'"),
        (["logs", "show", "no-such-sync"], "Sync log not found: no-such-sync"),
        (["sync", "--sync-type", "hourly"], "Unknown sync type: hourly"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_with_json_an_object(stocked: Shop, words: list[str], says: str) -> None:
    ran = stocked.command(*words, "--json")
    assert ran.status == 2 and ran.stderr == f"error: {ran.error}\n" and says in ran.error
    assert (ran.json["success"], ran.json["error"], ran.json["sync_log_id"]) == (False, ran.error, None)
    assert "`guidelight" in ran.error or "known" in ran.error, "it has a next step"
    silent = stocked.command(*words)
    assert (silent.status, silent.stdout) == (2, "")


@pytest.mark.duckdb_only
@pytest.mark.parametrize(("env", "before"), [({}, "\x1b[31m"), ({"NO_COLOR": "1"}, ""), ({"TERM": "dumb"}, "")])
def test_an_error_is_red_at_a_terminal(stocked: Shop, env: dict[str, str], before: str) -> None:
    line = ["logs", "show", "no-such-sync", "--database", stocked.database.url]
    with Terminal(line, home=stocked.home, env=env) as terminal:
        pass
    assert terminal.raw.startswith(f"{before}error: Sync log not found")


def test_disabled_and_enabled_again(stocked: Shop) -> None:
    assert stocked.command("integrations", "disable", stocked.integration, "--json").json["is_active"] is False
    assert stocked.command("integrations", "enable", stocked.integration, "--json").json["is_active"] is True
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


@pytest.mark.postgres_only
@pytest.mark.parametrize("spelling", ["postgres://", "pgbouncer", "no user"])
def test_a_url_as_services_write_it(stocked: Shop, spelling: str) -> None:
    url = stocked.database.url
    spelled = {
        "postgres://": url.replace("postgresql://", "postgres://", 1),
        "pgbouncer": url + "&pgbouncer=true&connection_limit=1",
        "no user": url.replace("postgres@", "", 1) + "&user=postgres",
    }[spelling]
    from tests.warm import run

    ran = run(
        ["sync", "--json"],
        home=stocked.home,
        env={"DATABASE_URL": spelled, "GUIDELIGHT_TEST_KEY": stocked.sandbox.api_key},
    )
    assert ran.status == 0, ran.stderr
    assert ran.json["stats"]["unchanged"] == PRODUCTS
