"""The model itself, by the sentences of DESIGN.md that it stands for: it must be right before it can judge."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.state.catalogue import Record, new_record
from tests.state.model import Model, Seen, Strategy, Told

OURS, THEIRS, LATER = "Ours", "Theirs", "Later"


def sync(model: Model, *records: Record) -> Told:
    told = model.begin()
    model.publish_and_check(told, Seen.of(records))
    return told


def named(record: Record, name: str) -> Record:
    return record | {"product_configurable_fields": record["product_configurable_fields"] | {"name": name}}


def shop(strategy: Strategy) -> tuple[Model, Record]:
    """A model that saw one product, and then changed to a strategy."""
    record = named(new_record(1), THEIRS)
    model = Model()
    sync(model, record)
    model.strategy = strategy
    return model, record


def edit(model: Model, **columns: Any) -> None:
    model.products["p-001"].update(columns)


@pytest.mark.parametrize(
    ("strategy", "name", "price"), [("api_wins", THEIRS, 10.5), ("manual_wins", OURS, 10.5), ("merge", OURS, 1)]
)
def test_an_edit_of_a_name_and_a_price(strategy: Strategy, name: str, price: float) -> None:
    model, record = shop(strategy)
    edit(model, name=OURS, price_retail=1)
    sync(model, record)
    row = model.products["p-001"]
    assert (row["name"], row["price_retail"]) == (name, price)


@pytest.mark.parametrize(("strategy", "name"), [("api_wins", LATER), ("manual_wins", THEIRS), ("merge", LATER)])
def test_a_change_at_the_source_where_nobody_edited(strategy: Strategy, name: str) -> None:
    model, record = shop(strategy)
    sync(model, named(record, LATER))
    assert model.products["p-001"]["name"] == name


def test_under_merge_an_edit_is_over_when_the_source_comes_to_say_the_same() -> None:
    model, record = shop("merge")
    edit(model, name=OURS)
    assert sync(model, record).edits_kept == {"p-001"}
    assert sync(model, named(record, OURS)).edits_kept == set()
    sync(model, named(record, LATER))
    assert model.products["p-001"]["name"] == LATER


def test_under_merge_an_edit_that_is_undone_is_none() -> None:
    model, record = shop("merge")
    edit(model, name=OURS)
    sync(model, named(record, LATER))
    edit(model, name=THEIRS)
    sync(model, named(record, LATER))
    assert model.products["p-001"]["name"] == LATER


def test_without_anything_remembered_no_field_counts_as_edited_under_merge() -> None:
    model = Model(strategy="merge")
    model.link("p-001", name=OURS, category="topical", is_active=False, in_stock=True)
    sync(model, named(new_record(1), THEIRS))
    row = model.products["p-001"]
    assert (row["name"], row["category"], row["is_active"]) == (THEIRS, "pre_roll", True)


@pytest.mark.parametrize(("strategy", "active"), [("api_wins", True), ("manual_wins", False), ("merge", False)])
def test_a_product_that_a_person_switched_off(strategy: Strategy, active: bool) -> None:
    model, record = shop(strategy)
    edit(model, is_active=False)
    sync(model, named(record, LATER))
    assert model.products["p-001"]["is_active"] is active


@pytest.mark.parametrize("strategy", ["manual_wins", "merge"])
def test_what_a_person_switched_off_stays_off_though_the_source_does_the_same_or_lists_it_no_more(
    strategy: Strategy,
) -> None:
    model, record = shop(strategy)
    edit(model, is_active=False)
    sync(model, record | {"product_status": "DEACTIVATED", "above_threshold": False})
    sync(model, record)
    sync(model)
    sync(model, record)
    row = model.products["p-001"]
    assert (row["is_active"], row["in_stock"]) == (False, True)


def test_what_manual_wins_held_back_follows_under_merge_and_was_no_edit() -> None:
    model, record = shop("manual_wins")
    assert sync(model, named(record, LATER)).edits_kept == set()
    model.strategy = "merge"
    change = sync(model, named(record, LATER)).changes["p-001"]
    assert (change.cause, change.fields) == ("source", {"name": (THEIRS, LATER)})


@pytest.mark.parametrize("strategy", ["api_wins", "manual_wins", "merge"])
def test_absence_and_return_are_the_sources_whatever_the_strategy(strategy: Strategy) -> None:
    model, record = shop(strategy)
    others = [new_record(number) for number in range(2, 5)]
    sync(model, record, *others)
    gone = sync(model, *others)
    assert gone.changes["p-001"].fields == {"is_active": (True, False), "in_stock": (True, False)}
    back = sync(model, record, *others)
    assert (back.changes["p-001"].cause, model.products["p-001"]["is_active"]) == ("return", True)


def test_a_new_mapping_is_no_edit() -> None:
    model, record = shop("merge")
    model.category_map = {"PREROLL": "topical"}
    told = sync(model, record)
    assert told.changes["p-001"].cause == "mapping" and model.products["p-001"]["category"] == "topical"


@pytest.mark.parametrize(("products", "gone", "held"), [(10, 2, 0), (10, 3, 3), (9, 8, 0), (9, 9, 9), (1, 1, 1)])
def test_the_guard(products: int, gone: int, held: int) -> None:
    records = [new_record(number) for number in range(products)]
    model = Model()
    sync(model, *records)
    told = sync(model, *records[gone:])
    assert (told.held_back, len(told.having("absent"))) == (held, 0 if held else gone)


def test_seen_brings_together_what_is_doubled_and_refuses_what_lacks_an_id_or_a_name() -> None:
    first, nameless = new_record(1), new_record(2)
    second = copy.deepcopy(first) | {"sellable_quantity": 99}
    nameless["product_configurable_fields"]["name"] = " "
    seen = Seen.of([first, nameless, second, {"litter": 1}, {"litter": 1}])
    assert seen.records == {"p-001": second} and seen.duplicates == 1
    assert sorted(seen.refused.values(), key=str) == [None, "p-002"]
