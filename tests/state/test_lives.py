"""The short lives are telling: played against the model alone, they show up each model with one rule left out."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from tests.state.catalogue import Catalogue
from tests.state.lives import live_short
from tests.state.machine import World
from tests.state.model import Memory, Model, Row, Seen, Told
from tests.state.opening import open_up


class Alone(World):
    """A world without shops: what is told of each sync is noted, and nothing is run."""

    def __init__(self, catalogue: Catalogue, model: Model, noted: list[Any]) -> None:
        super().__init__([], catalogue, model)
        self._noted = noted

    def compare(self, told: Told) -> None:
        self._noted.append(copy.deepcopy((told, self.model.products)))
        self.catalogue.settle()


class RejectedIsGone(Model):
    def _missing(self, told: Told, seen: Seen, before: set[str], allow_mass: bool) -> None:
        blind = Seen(seen.whole, seen.lost_pages, seen.records)
        super()._missing(told, blind, before, allow_mass)


class WithoutIdIsWhole(Model):
    def publish(self, told: Told, seen: Seen, *, allow_mass: bool = False) -> None:
        refused: dict[str, str | None] = {text: source_id or "one" for text, source_id in seen.refused.items()}
        super().publish(told, Seen(seen.whole, seen.lost_pages, seen.records, refused, seen.duplicates))


class LostPageIsNothing(Model):
    def publish(self, told: Told, seen: Seen, *, allow_mass: bool = False) -> None:
        seen.whole = True
        super().publish(told, seen, allow_mass=allow_mass)


class NoGuard(Model):
    def _missing(self, told: Told, seen: Seen, before: set[str], allow_mass: bool) -> None:
        super()._missing(told, seen, before, True)


class HeldBackIsNoEdit(Model):
    """The fault that this machine found: a deleted row or source_data, where a strategy had held something back."""

    def _cause(self, source_id: str, memory: Memory | None, new: Row, *, is_edit: bool) -> str:
        is_edit = is_edit and (memory is None or memory.written == memory.values)
        return super()._cause(source_id, memory, new, is_edit=is_edit)


class OffIsForgotten(Model):
    def _wanted(self, current: Row, new: Row, memory: Memory | None, edited: set[str]) -> tuple[Row, Row]:
        wanted, written = super()._wanted(current, new, memory, edited)
        if new["is_active"] is current["is_active"] is False:
            written["is_active"] = False
        return wanted, written


class WrittenIsWhatTheSourceSaid(Model):
    def _listed(self, told: Told, source_id: str, record: Row) -> None:
        if source_id in self.memories:
            self.memories[source_id].written = dict(self.memories[source_id].values)
        super()._listed(told, source_id, record)


class AbsenceIsForgotten(Model):
    def _missing(self, told: Told, seen: Seen, before: set[str], allow_mass: bool) -> None:
        remembered = copy.deepcopy(self.memories)
        super()._missing(told, seen, before, allow_mass)
        self.memories = remembered


class ReturnIsNoCause(Model):
    def _cause(self, source_id: str, memory: Memory | None, new: Row, *, is_edit: bool) -> str:
        cause = super()._cause(source_id, memory, new, is_edit=is_edit)
        return "source" if cause == "return" else cause


class SalePriceStays(Model):
    def _follows(self, name: str, current: Row, edited: set[str]) -> bool:
        return super()._follows(name, current, edited) and (self.strategy, name) != ("manual_wins", "price_sale")


def told_by(model: Model) -> list[Any]:
    """What the short lives show of every sync when the model says what must be."""
    noted: list[Any] = []
    opened = Alone(Catalogue(), model, noted)
    open_up(opened)

    def opening(_stack: ExitStack) -> World:
        return Alone(copy.deepcopy(opened.catalogue), copy.deepcopy(opened.model), noted)

    live_short(opening)
    return noted


@cache
def rightly_told() -> list[Any]:
    return told_by(Model())


@pytest.mark.parametrize("wrong", Model.__subclasses__(), ids=lambda wrong: wrong.__name__)
def test_a_wrong_model_is_shown_up(wrong: type[Model]) -> None:
    assert told_by(wrong()) != rightly_told()


def test_a_model_that_takes_the_first_of_a_doubled_product_is_shown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rightly, latest_wins = rightly_told(), Seen.of
    monkeypatch.setattr(Seen, "of", lambda listed: latest_wins(_first_of_each(listed)))
    wrongly = told_by(Model())
    assert [products for _, products in wrongly] != [products for _, products in rightly]


def _first_of_each(listed: Any) -> list[Any]:
    first: dict[Any, Any] = {}
    return [one for one in listed if one.get("product_id") is None or first.setdefault(one["product_id"], one) is one]
