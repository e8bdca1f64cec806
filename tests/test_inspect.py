"""The questions of sql/inspect, asked of a shop that has what they ask about, and the prompt that asks them."""

from __future__ import annotations

import os
import pty
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.database import connect
from pipelines.errors import ConfigurationError
from pipelines.inspect import QUESTIONS, ROWS_SHOWN, ask, questions
from pipelines.settings import ROOT
from tests.databases import Engine
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops

pytestmark = pytest.mark.alternating

NEW_PRICE, NEWER_PRICE = Decimal("777.00"), Decimal("778.50")


@dataclass
class Story:
    """A shop of three syncs in which everything happened that the questions ask about, and to which products."""

    shop: Shop
    starts: list[datetime]
    published: list[datetime]
    dearer: str
    sold_out: str
    gone_and_back: str
    gone: str
    deactivated: str
    souvenir: str
    untested: str
    unreadable: str
    edited: str

    def ask(self, name: str) -> list[dict[str, Any]]:
        return ask(self.shop.database.target, (QUESTIONS / f"{name}.sql").read_text()).rows

    def name(self, source_id: str) -> str:
        found: str = self.shop.value("select name from products where source_id = $id", id=source_id)
        return found


def tell_story(shop: Shop) -> Story:
    flat = [
        record
        for record in shop.active(26)
        if record["pricing"]["price_type"] == "FLAT" and record["category_type"] not in ("MERCH", "MISC", "NON_INV")
    ]
    tested = [record for record in flat if record.get("lab_results")]
    untested, unreadable, deactivated = tested[:3]
    rest = [record for record in flat if record not in (untested, unreadable, deactivated)]
    dearer, sold_out, back, gone, souvenir, edited = rest[:6]
    dearer["pricing"] |= {"price_sell": float(NEW_PRICE), "discounted_price": None}
    sold_out |= {"sellable_quantity": 0, "sellable_quantity_detail": []}
    deactivated |= {"product_status": "DEACTIVATED", "above_threshold": True}
    souvenir["category_type"] = "souvenirs "
    untested["lab_results"] = []
    souvenir["merged_from_product_ids"] = [gone["product_id"], "never-seen"]
    shop.remove([back, gone])
    second = shop.sync()
    assert second.row["listing_complete"] and second.receipt["absent"] == 2, second.ran
    dearer["pricing"]["price_sell"] = float(NEWER_PRICE)
    shop.execute(
        "update products set brand = 'Mine', description = 'Ours' where source_id = $id", id=edited["product_id"]
    )
    unreadable["product_configurable_fields"]["name"] = " "
    (unreadable["e_commerce"] or {})["menu_title"] = None
    shop.sandbox.products.append(back)
    shop.serve()
    third = shop.sync()
    assert third.row["status"] == "partial" and third.receipt["rejected"] == 1, third.ran
    logs = shop.logs()
    told = (dearer, sold_out, back, gone, deactivated, souvenir, untested, unreadable, edited)
    ids = [one["product_id"] for one in told]
    return Story(shop, [log["started_at"] for log in logs], [log["published_at"] for log in logs], *ids)


@pytest.fixture(scope="module")
def stories(shops: Shops) -> Iterator[Callable[[Engine], Story]]:
    told: dict[Engine, Story] = {}
    with ExitStack() as stack:

        def story(engine: Engine) -> Story:
            if engine not in told:
                told[engine] = tell_story(stack.enter_context(shops.open(engine, stocked=True)))
            return told[engine]

        yield story


@pytest.fixture
def story(stories: Callable[[Engine], Story], engine: Engine) -> Story:
    return stories(engine)


def test_prices_changed(story: Story) -> None:
    rows = story.ask("prices_changed")
    assert [row["source_id"] for row in rows] == [story.dearer] * 2
    assert [row["changed_at"] for row in rows] == [story.published[2], story.published[1]]
    assert (rows[0]["old_price"], rows[0]["new_price"]) == (NEW_PRICE, NEWER_PRICE)
    assert rows[1]["new_price"] == NEW_PRICE != rows[1]["old_price"] is not None
    assert rows[0]["name"] == story.name(story.dearer) and rows[0]["cause"] == "source"


def test_out_of_stock(story: Story) -> None:
    found = {row["source_id"]: row for row in story.ask("out_of_stock")}
    out = story.shop.rows("select source_id from products where is_active and not in_stock")
    assert found.keys() == {row["source_id"] for row in out}
    assert found.keys() != {story.sold_out}, "some were never in stock"
    assert found[story.sold_out]["out_since"] == story.published[1]
    assert found[story.sold_out]["stock_quantity"] == 0
    assert {row["out_since"] for source_id, row in found.items() if source_id != story.sold_out} == {None}


def test_without_lab_results(story: Story) -> None:
    found = {row["source_id"] for row in story.ask("without_lab_results")}
    lacking = {
        record["product_id"]
        for record in story.shop.sandbox.products
        if not record.get("lab_results") and record["product_id"] != story.unreadable
    }
    offered = {
        source_id for source_id, row in story.shop.products().items() if row["is_active"] and row["category"] != "other"
    }
    assert story.untested in found == lacking & offered


def test_rejected(story: Story) -> None:
    (row,) = story.ask("rejected")
    assert (row["source_id"], row["name"]) == (story.unreadable, story.name(story.unreadable))
    assert "name" in row["reason"] and row["started_at"] == story.starts[2]
    assert len(row["beginning"]) == 80 < row["record_length"] and row["page"] >= 1


def test_last_confirmed(story: Story) -> None:
    rows = story.ask("last_confirmed")
    active = {source_id for source_id, row in story.shop.products().items() if row["is_active"]}
    assert {row["source_id"] for row in rows} == active
    assert rows[0]["source_id"] == story.unreadable and rows[0]["last_confirmed_at"] == story.starts[1]
    assert [row["is_rejected"] for row in rows] == [True] + [False] * (len(rows) - 1)
    assert {row["last_confirmed_at"] for row in rows[1:]} == {story.starts[2]}
    assert any(row["last_synced_at"] < story.starts[1] for row in rows[1:])


def test_last_sync_changes(story: Story) -> None:
    rows = story.ask("last_sync_changes")
    assert [(row["change"], row["source_id"], row["cause"]) for row in rows] == sorted(
        [
            ("updated", story.dearer, "source"),
            ("updated", story.gone_and_back, "return"),
            ("updated", story.edited, "edit overwritten"),
        ],
        key=lambda row: story.name(row[1]),
    )
    fields = {row["source_id"]: row["fields"] for row in rows}
    assert fields[story.dearer]["price_retail"]["new"] == pytest.approx(float(NEWER_PRICE))
    assert fields[story.gone_and_back]["is_active"] == {"old": False, "new": True}


def test_vanished_and_returned(story: Story) -> None:
    found = {row["source_id"]: (row["vanished_at"], row["returned_at"]) for row in story.ask("vanished_and_returned")}
    assert found == {
        story.gone: (story.published[1], None),
        story.gone_and_back: (story.published[1], story.published[2]),
    }


def test_merged(story: Story) -> None:
    (row,) = story.ask("merged")
    assert (row["old_source_id"], row["new_source_id"]) == (story.gone, story.souvenir)
    assert (row["old_name"], row["new_name"]) == (story.name(story.gone), story.name(story.souvenir))
    assert row["changed_at"] == story.published[1] and row["new_is_active"] is True


def test_price_history(story: Story) -> None:
    rows = story.ask("price_history")
    assert {row["source_id"] for row in rows} == {story.dearer}
    assert [row["changed_at"] for row in rows] == story.published
    first = rows[0]["new_price"]
    assert [(row["old_price"], row["new_price"]) for row in rows] == [
        (None, first), (first, NEW_PRICE), (NEW_PRICE, NEWER_PRICE)
    ]  # fmt: skip


def asking(story: Story, name: str, source_id: str | None) -> list[dict[str, Any]]:
    """A question of another product, or of all: the lines changed that its comment names."""
    sql = (QUESTIONS / f"{name}.sql").read_text()
    if source_id is None:
        changed = re.sub(r"inner join asked on .*\n", "", sql)
    else:
        changed = re.sub(
            r"asked as \(.*?\n\)",
            f"asked as (select 'treez' as source, '{source_id}' as source_id)",
            sql,
            flags=re.DOTALL,
        )
    assert changed != sql
    return ask(story.shop.database.target, changed).rows


def test_stock_history(story: Story) -> None:
    rows = asking(story, "stock_history", story.sold_out)
    first = rows[0]["new_quantity"]
    assert [(row["old_quantity"], row["new_quantity"], row["changed_at"]) for row in rows] == [
        (None, first, story.published[0]), (first, 0, story.published[1])
    ]  # fmt: skip
    assert [(row["was_in_stock"], row["is_in_stock"]) for row in rows] == [(None, True), (True, False)]
    last = story.ask("stock_history")
    assert {row["source_id"] for row in last} == {story.gone_and_back}
    assert [(row["cause"], row["is_in_stock"]) for row in last] == [
        ("source", True), ("absence", False), ("return", True)
    ]  # fmt: skip
    every = asking(story, "stock_history", None)
    assert {row["source_id"] for row in every} == story.shop.products().keys()


def test_who_changed(story: Story) -> None:
    rows = asking(story, "who_changed", story.edited)
    first = {row["column_name"]: row["new_value"] for row in rows if row["change"] == "created"}
    edits = [row for row in rows if row["cause"] == "edit overwritten"]
    assert {row["column_name"]: (row["old_value"], row["new_value"]) for row in edits} == {
        "brand": ("Mine", first["brand"]), "description": ("Ours", first["description"])
    }  # fmt: skip
    assert {row["changed_at"] for row in edits} == {story.published[2]} == {rows[0]["changed_at"]}
    assert {row["sync_type"] for row in rows} == {"scheduled"} and "source_data" in first
    assert {row["source_id"] for row in story.ask("who_changed")} <= {
        story.edited, story.dearer, story.gone_and_back
    }  # fmt: skip
    every = {(row["source_id"], row["cause"]) for row in asking(story, "who_changed", None)}
    assert {(story.gone, "absence"), (story.gone_and_back, "return"), (story.dearer, "source")} <= every


def test_edits_overwritten(story: Story) -> None:
    rows = story.ask("edits_overwritten")
    row = story.shop.products()[story.edited]
    assert [(one["source_id"], one["column_name"], one["edited_to"]) for one in rows] == [
        (story.edited, "brand", "Mine"), (story.edited, "description", "Ours")
    ]  # fmt: skip
    assert [one["became"] for one in rows] == [row["brand"], row["description"]]


def test_sold_though_deactivated(story: Story) -> None:
    rows = story.ask("sold_though_deactivated")
    sold = {
        record["product_id"]: str(record["sellable_quantity"])
        for record in story.shop.sandbox.products
        if record["product_status"] != "ACTIVE" and record["above_threshold"]
    }
    assert {row["source_id"]: row["sellable_quantity"] for row in rows} == sold
    assert story.deactivated in sold and {row["product_status"] for row in rows} == {"DEACTIVATED"}


def test_mapped_to_other(story: Story) -> None:
    rows = story.ask("mapped_to_other")
    assert rows[0] == {
        "category_type": "SOUVENIRS", "is_known": False, "products": 1, "active_products": 1,
        "example": story.name(story.souvenir),
    }  # fmt: skip
    known = {row["category_type"]: row["products"] for row in rows[1:]}
    assert all(row["is_known"] for row in rows[1:]) and "MERCH" in known
    assert sum(known.values()) + 1 == story.shop.value("select count(*) from products where category = 'other'")


def test_each_question_is_tested_here_and_opens_with_itself() -> None:
    asked = {name.removeprefix("test_") for name in globals()} & {path.stem for path in QUESTIONS.glob("*.sql")}
    assert asked == questions().keys() and len(asked) == 14
    assert all(question.endswith("?") and len(question) < 100 for question in questions().values())


def test_the_guide_names_each_question_and_its_words() -> None:
    guide = (ROOT / "docs" / "analysts.md").read_text()
    for name, question in questions().items():
        assert f"`{name}`" in guide and question in guide, name


def given(file: Path) -> None:
    """In the command's process: standard input is a file."""
    sys.stdin = file.open()


def typed(text: str) -> None:
    """In the command's process: standard input is a terminal at which somebody types."""
    ours, theirs = pty.openpty()
    os.write(ours, text.encode())
    sys.stdin = os.fdopen(theirs)


def test_a_question_by_its_name_a_file_and_standard_input(story: Story, tmp_path: Path) -> None:
    named = story.shop.command("inspect", "sold_though_deactivated", "--json")
    assert named.status == 0 and {row["product_status"] for row in named.json} == {"DEACTIVATED"}
    file = tmp_path / "mine.sql"
    file.write_text("-- Mine\nselect count(*) as n, '100%' as share from products;\n")
    assert story.shop.command("inspect", str(file), "--json").json == [{"n": PRODUCTS, "share": "100%"}]
    piped = story.shop.command("inspect", "--json", prepare=partial(given, file))
    assert piped.json == [{"n": PRODUCTS, "share": "100%"}]
    in_words = story.shop.command("inspect", "mapped_to_other")
    assert "SOUVENIRS" in in_words.stdout and in_words.stderr == ""
    unknown = story.shop.command("inspect", "no_such_question")
    assert unknown.status == 2 and "out_of_stock" in unknown.error


def test_a_prompt_at_a_terminal(story: Story) -> None:
    text = "?\nselect name from\nproducts limit 1;\nselect nonsense;\n? mapped_to_other\n\\q\nnever read\n"
    ran = story.shop.command("inspect", prepare=partial(typed, text))
    assert ran.status == 0, ran.stderr
    assert "What is out of stock?" in ran.stdout and "SOUVENIRS" in ran.stdout
    assert "nonsense" in ran.error


WRITES = [
    "delete from products",
    "commit; delete from products",
    "select 1; delete from products",
    "with gone as (delete from products returning 1) select * from gone",
    "create table mine as select 1 as one",
    "update products set name = 'x'",
]


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_written(story: Story, statement: str) -> None:
    before = story.shop.published()
    with pytest.raises(ConfigurationError) as refused:
        ask(story.shop.database.target, statement)
    is_plain = statement.startswith(("delete", "create", "update"))
    assert not is_plain or "Only queries that read are run here" in str(refused.value)
    assert story.shop.published() == before


def test_more_rows_than_anyone_reads_are_not_fetched(story: Story) -> None:
    numbers = "with recursive up as (select 1 as n union all select n + 1 from up where n < {}) select n from up"
    exactly = ask(story.shop.database.target, numbers.format(ROWS_SHOWN))
    assert len(exactly.rows) == ROWS_SHOWN and not exactly.is_cut
    more = ask(story.shop.database.target, numbers.format(ROWS_SHOWN + 1))
    assert len(more.rows) == ROWS_SHOWN and more.is_cut


def test_nothing_to_run(story: Story) -> None:
    with pytest.raises(ConfigurationError, match="no statement"):
        ask(story.shop.database.target, " ;\n")


@pytest.mark.duckdb_only
def test_between_two_questions_the_file_is_free(story: Story) -> None:
    ask(story.shop.database.target, "select 1")
    with connect(story.shop.database.target, patience=0) as connection:
        assert connection.value("select 1") == 1
