"""`guidelight history`: one product's life, as its syncs and the app left it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.databases import Engine
from tests.shop import Shop
from tests.shops import Shops
from tests.test_analyst import LOGIN, logged_in
from tests.warm import run

pytestmark = pytest.mark.alternating


@dataclass
class Lives:
    """A shop of three syncs, and the products to which everything happened that a history tells."""

    shop: Shop
    dearer: str
    edited: str
    back: str
    merged: str
    survivor: str
    unreadable: str

    def told(self, source_id: str, *options: str) -> dict[str, Any]:
        ran = self.shop.command("history", source_id, "--json", *options)
        assert ran.status == 0, ran.stderr
        found: dict[str, Any] = ran.json
        return found


@pytest.fixture(scope="module")
def lived(shops: Shops) -> Iterator[Callable[[Engine], Lives]]:
    known: dict[Engine, Lives] = {}
    with ExitStack() as stack:

        def of(engine: Engine) -> Lives:
            if engine not in known:
                known[engine] = live(stack.enter_context(shops.open(engine, stocked=True)))
            return known[engine]

        yield of


@pytest.fixture
def lives(lived: Callable[[Engine], Lives], engine: Engine) -> Lives:
    return lived(engine)


def live(shop: Shop) -> Lives:
    dearer, edited, back, merged, survivor, unreadable = shop.active(6)
    lives = Lives(shop, *(one["product_id"] for one in (dearer, edited, back, merged, survivor, unreadable)))
    dearer["pricing"] = {"price_type": "FLAT", "price_sell": 71.5}
    dearer["external_references"] = ["1"]
    survivor["merged_from_product_ids"] = [lives.merged, "never-seen"]
    shop.remove([back, merged])
    shop.execute("update products set brand = 'Mine' where source_id = $id", id=lives.edited)
    assert shop.sync().receipt["absent"] == 2
    dearer["pricing"]["price_sell"] = 72
    shop.execute("update products set price_sale = 3 where source_id = $id", id=lives.dearer)
    unreadable["product_configurable_fields"]["name"] = None
    unreadable["e_commerce"] = None
    shop.sandbox.products.append(back)
    shop.serve()
    assert shop.sync().row["status"] == "partial"
    return lives


def test_each_change_newest_first_with_its_cause_and_its_sync(lives: Lives) -> None:
    told = lives.told(lives.dearer)
    logs = list(reversed(lives.shop.logs()))
    assert [change["sync_log_id"] for change in told["changes"]] == [str(log["id"]) for log in logs]
    assert [(one["change"], one["cause"], one["sync_type"], one["scope"]) for one in told["changes"]] == [
        ("updated", "source", "scheduled", "full"),
        ("updated", "source", "scheduled", "full"),
        ("created", "source", "scheduled", "full"),
    ]
    newer, older, created = (change["fields"]["price_retail"] for change in told["changes"])
    assert newer == {"old": 71.5, "new": 72} and older == {"old": created["new"], "new": 71.5}
    assert [change["edits"] for change in told["changes"]] == [["price_sale"], [], []], "overtaken by the source"
    assert told["changes"][0]["members"] == ["pricing"]
    assert set(told["changes"][1]["members"]) == {"pricing", "external_references"}
    assert told["changes"][2]["members"] is None, "a created product has no record before"
    assert (told["changes_total"], told["source_id"], told["source"]) == (3, lives.dearer, "treez")


def test_how_it_stands_now(lives: Lives) -> None:
    told = lives.told(lives.dearer)
    row = lives.shop.products()[lives.dearer]
    first, _, newest = lives.shop.logs()
    assert told["now"]["name"] == row["name"] and told["now"]["is_active"] is True
    assert told["now"]["last_confirmed_at"][:19] == f"{newest['started_at']:%Y-%m-%dT%H:%M:%S}"
    assert told["staging"]["syncs"] == 3 and told["staging"]["content_since"] == told["staging"]["last_seen_at"]
    assert told["staging"]["first_seen_at"][:19] >= f"{first['started_at']:%Y-%m-%dT%H:%M:%S}"
    assert told["rejected"] is None and told["merged_from"] == told["merged_into"] == []


def test_an_edit_and_a_return(lives: Lives) -> None:
    edit, created = lives.told(lives.edited)["changes"]
    assert edit["cause"] == "edit overwritten" and edit["fields"]["brand"]["old"] == "Mine"
    assert (edit["edits"], created["edits"]) == (["brand"], [])
    assert [change["cause"] for change in lives.told(lives.back)["changes"]] == ["return", "absence", "source"]


def test_a_merged_product_and_the_one_that_it_went_into(lives: Lives) -> None:
    merged, survivor = lives.told(lives.merged), lives.told(lives.survivor)
    names = {source_id: row["name"] for source_id, row in lives.shop.products().items()}
    assert merged["now"]["is_active"] is False and merged["changes"][0]["change"] == "absent"
    assert merged["merged_into"] == [{"source_id": lives.survivor, "name": names[lives.survivor], "is_active": True}]
    assert survivor["merged_from"] == [
        {"source_id": lives.merged, "name": names[lives.merged], "is_active": False},
        {"source_id": "never-seen", "name": None, "is_active": None},
    ]


def test_a_product_whose_record_could_not_be_used(lives: Lives) -> None:
    told = lives.told(lives.unreadable)
    assert "name" in told["rejected"]["reason"] and told["rejected"]["times"] == 1
    assert told["now"]["is_active"] is True and told["now"]["is_rejected"] is True
    assert told["staging"]["syncs"] == 2


def test_the_newest_of_many_and_the_beginning_of_an_id(lives: Lives) -> None:
    told = lives.told(lives.dearer[:13], "--limit", "1", "--type", "treez")
    assert told["source_id"] == lives.dearer and told["changes_total"] == 3
    assert [change["fields"]["price_retail"]["new"] for change in told["changes"]] == [72]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["no-such-product"], "No sync has seen a product no-such-product"),
        ([""], "No sync has seen"),
        (["x", "--type", "leafly"], "Unknown integration type: leafly"),
    ],
)
def test_what_is_not_known(lives: Lives, words: list[str], says: str) -> None:
    ran = lives.shop.command("history", *words)
    assert ran.status == 2 and says in ran.error and ran.stdout == ""


def test_in_words(lives: Lives) -> None:
    dearer = lives.shop.command("history", lives.dearer, "--limit", "2")
    assert "price_retail: 71.5 → 72" in dearer.stdout and "in the record: pricing" in dearer.stdout
    assert "(source: the source's record changed) by sync " in dearer.stdout
    assert "--limit 3" in dearer.stderr
    survivor = lives.shop.command("history", lives.survivor).stdout
    assert f"merged from {lives.merged} (" in survivor and ", not active)" in survivor
    assert "merged from never-seen (not in products)" in survivor
    unreadable = lives.shop.command("history", lives.unreadable).stdout
    assert "rejected" in unreadable and "(1 in all)" in unreadable


def test_a_product_that_was_deleted_in_the_app(stocked: Shop) -> None:
    identity = stocked.active(1)[0]["product_id"]
    stocked.execute("delete from products where source_id = $id", id=identity)
    told = stocked.command("history", identity, "--json").json
    assert told["now"] is None and told["changes_total"] == 1
    assert "not in products" in stocked.command("history", identity).stdout


@pytest.mark.postgres_only
def test_an_analyst_may_ask(stocked: Shop) -> None:
    identity = stocked.active(1)[0]["product_id"]
    database = stocked.database.url.replace("postgres@", f"{LOGIN}@")
    with logged_in(stocked):
        ran = run(["history", identity, "--json", "--database", database], home=stocked.home)
    assert ran.status == 0 and ran.json == stocked.command("history", identity, "--json").json, ran.stderr
