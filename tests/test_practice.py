"""The shop to practise on: where it may be synced, how it moves on, and how it makes room for a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.database import connect
from tests.databases import TestDatabase
from tests.shop import KEY, GatedSandbox
from tests.warm import Ran, run

pytestmark = pytest.mark.alternating

REAL = (
    "integrations", "add", "--type", "treez", "--name", "Real", "--set", "dispensary_id=sandbox",
    "--set", "client_id=sandbox-client", "--set", "requests_per_second=100", "--set", "patience_seconds=1",
    "--set", "allow_private_address=true", "--secret", f"api_key=env:{KEY}",
)  # fmt: skip


@pytest.fixture
def practise(database: TestDatabase, tmp_path: Path) -> Any:
    """Runs a command on the database, with nothing in its environment but what is given."""

    def ran(*words: str, **env: str) -> Ran:
        return run([*words, "--database", database.url], home=tmp_path, env=env)

    return ran


def rows(database: TestDatabase, sql: str) -> list[dict[str, Any]]:
    with connect(database.target) as connection:
        return connection.rows(sql)


def test_a_newcomers_first_days(database: TestDatabase, practise: Any) -> None:
    first = practise("sync", "--or-sandbox", "--json")
    assert first.status == 0 and first.json["stats"] == {
        "fetched": 500, "created": 500, "updated": 0, "unchanged": 0, "errors": 0
    }  # fmt: skip
    second = practise("sync", "--or-sandbox", "--json")
    stats = second.json["stats"]
    assert second.status == 0 and stats["created"] > 0 and stats["updated"] > 0 and stats["unchanged"] > 400
    assert rows(database, "select is_active, config from integrations")[0]["config"]["sandbox"] is True
    third = practise("sync", "--json")
    assert third.status == 0 and third.json["stats"]["fetched"] != stats["fetched"]

    with GatedSandbox(products=20, rate=None) as shop:
        added = practise(*REAL, "--set", f"base_url={shop.base_url}")
        assert added.status == 0 and "was disabled" in added.stderr and "products" in added.stderr
        for table in (
            "products",
            "product_changes",
            "product_sync_state",
            "sync_logs",
            "staging_treez.sightings",
            "staging_treez.payloads",
        ):
            assert rows(database, f"select count(*) as n from {table}") == [{"n": 0}], table
        real = practise("sync", "--json", **{KEY: shop.api_key})
        assert real.json["stats"]["created"] == 20
        assert practise("sync", "--or-sandbox", "--json", **{KEY: shop.api_key}).json["stats"]["unchanged"] == 20
    assert practise("integrations", "disable", added.stdout.strip()).status == 0
    refused = practise("sync", "--or-sandbox")
    assert refused.status == 2 and "Real is registered" in refused.error
    assert rows(database, "select count(*) as n from products") == [{"n": 20}]


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_never_under_ci(database: TestDatabase, practise: Any, ci: str) -> None:
    refused = practise("sync", "--or-sandbox", CI=ci)
    assert refused.status == 2 and "under CI" in refused.error
    assert rows(database, "select count(*) as n from integrations") == [{"n": 0}]


def test_a_registered_one_is_not_synced_under_ci_either(database: TestDatabase, practise: Any) -> None:
    assert practise("sync", "--or-sandbox").status == 0
    refused = practise("sync", CI="true")
    assert refused.status == 2 and "under CI" in refused.error
    assert len(rows(database, "select id from sync_logs")) == 1


def test_never_beside_products_of_others(database: TestDatabase, practise: Any) -> None:
    with connect(database.target) as connection:
        connection.execute("insert into products (name, category) values ('Mine', 'other')")
    refused = practise("sync", "--or-sandbox")
    assert refused.status == 2 and "1 products that no sandbox brought" in refused.error
    assert rows(database, "select count(*) as n from integrations") == [{"n": 0}]


def test_never_unless_asked_for(database: TestDatabase, practise: Any) -> None:
    refused = practise("sync")
    assert refused.status == 2 and "guidelight integrations add" in refused.error
    assert rows(database, "select count(*) as n from integrations") == [{"n": 0}]


def test_enabling_a_real_one_clears_it_away_too(database: TestDatabase, practise: Any) -> None:
    with GatedSandbox(products=5, rate=None) as shop:
        added = practise(*REAL, "--set", f"base_url={shop.base_url}").stdout.strip()
        assert practise("integrations", "disable", added).status == 0
        with connect(database.target) as connection:
            connection.execute("update integrations set config = cast('{\"sandbox\": true}' as jsonb)")
        assert practise("sync", "--or-sandbox").status == 2  # that row is no usable sandbox
        with connect(database.target) as connection:
            connection.execute("delete from integrations")
        assert practise("sync", "--or-sandbox").status == 0
        with connect(database.target) as connection:
            connection.execute(
                "insert into integrations (type, name, is_active, config) "
                "values ('treez', 'Real', false, cast('{\"dispensary_id\": \"x\"}' as jsonb))"
            )
            real = connection.value("select id from integrations where name = 'Real'")
        enabled = practise("integrations", "enable", str(real))
        assert enabled.status == 0 and "was disabled" in enabled.stderr
        assert rows(database, "select count(*) as n from products") == [{"n": 0}]
        assert rows(database, "select name from integrations where is_active") == [{"name": "Real"}]
