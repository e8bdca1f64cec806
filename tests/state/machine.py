"""The rules: each lets things happen, runs one kind of sync on both engines, and compares every row with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.shop import Shop
from tests.state.catalogue import PAGE_CAP, Catalogue
from tests.state.compare import Side
from tests.state.crash import STEPS, dying_before
from tests.state.events import ANY, EVENTS, PLAIN_EVENTS, Event
from tests.state.model import Model, Seen, Told

Run = Callable[[Shop], Any]


class World:
    """A shop on both engines, the catalogue that it lists, and the model of what must be there."""

    def __init__(self, shops: list[Shop], catalogue: Catalogue, model: Model) -> None:
        self.catalogue = catalogue
        self.model = model
        self.sides = [Side(shop) for shop in shops]
        self._entered = 0

    def any_product(self, number: int) -> str | None:
        """A source_id in `products` by any number; None where there is none."""
        known = sorted(self.model.products)
        return known[number % len(known)] if known else None

    def execute(self, sql: str, **parameters: Any) -> None:
        for side in self.sides:
            side.shop.execute(sql, **parameters)

    def edit(self, source_id: str, column: str, value: Any) -> None:
        self.execute(
            f"update products set {column} = $value where source = 'treez' and source_id = $id",
            value=value,
            id=source_id,
        )
        self.model.products[source_id][column] = value

    def delete(self, source_id: str) -> None:
        self.execute("delete from products where source = 'treez' and source_id = $id", id=source_id)
        self.model.forget(source_id)

    def enter(self, source: str, source_id: str | None) -> None:
        """A row of a person's own making; with source treez it is one that the next sync finds and takes on."""
        self._entered += 1
        if source == "manual":
            source_id = f"{source_id or 'own'}" if self._entered == 1 else None
        name = f"By hand {self._entered}"
        self.execute(
            "insert into products (name, category, source, source_id, price_retail, in_stock, is_active) "
            "values ($name, 'topical', $source, $id, 1.25, true, true)",
            name=name,
            source=source,
            id=source_id,
        )
        if source == "treez" and source_id is not None:
            self.model.link(source_id, name=name, category="topical", price_retail=1.25, in_stock=True, is_active=True)

    def map_categories(self, category_map: dict[str, str]) -> None:
        self.model.category_map = category_map
        for side in self.sides:
            side.shop.configure(category_map=category_map)

    def choose(self, strategy: Any) -> None:
        self.model.strategy = strategy
        for side in self.sides:
            side.shop.configure(conflict_strategy=strategy)

    def serve(self, *faults: str) -> None:
        """Let both shops list the catalogue, and misbehave so."""
        for side in self.sides:
            side.shop.sandbox.products[:] = self.catalogue.served()
            side.shop.serve()
            side.shop.sandbox.set_faults(faults)

    def sync(self, told: Told, *options: str, prepare: Callable[[], None] | None = None) -> None:
        """Run the sync on both engines at once, and compare all that there is with the model."""
        for side in self.sides:
            side.remember()
        running = [side.shop.begin(*options, prepare=prepare) for side in self.sides]
        for side, one in zip(self.sides, running, strict=True):
            side.ended(one, told)
        self.compare(told)

    def kill_at_page(self, told: Told, page: int) -> None:
        """Kill the sync on both engines while it waits for a page."""
        for side in self.sides:
            side.remember()
        running = [side.shop.hold(page) for side in self.sides]
        for side, one in zip(self.sides, running, strict=True):
            side.died(one.kill())
            side.shop.let_go()
            side.shop.configure(patience_seconds=1)
        self.compare(told)

    def happen(self, events: Iterable[Event]) -> None:
        for event in events:
            event.happen(self)

    def full(self, *, allow_mass: bool = False) -> None:
        """Sync the whole listing as it is."""
        told = self.model.begin()
        self.model.publish_and_check(told, Seen.of(self.catalogue.served()), allow_mass=allow_mass)
        self.serve()
        self.sync(told, *(["--allow-mass-deactivation"] if allow_mass else []))

    def compare(self, told: Told) -> None:
        for side in self.sides:
            side.compare(self.model, told)
        first, *others = [side.facts() for side in self.sides]
        for other in others:
            for what, held in first.items():
                assert held == other[what], f"the two engines differ in {what}:\n  {held}\n  {other[what]}"
        self.catalogue.settle()


Opening = Callable[[ExitStack], World]
"""A world to begin with, of a sequence's own; what it opens closes with the stack."""


class Syncs(RuleBasedStateMachine):
    """A shop's life. Every step is a sync: what happened before it, of what kind it is, and how it must end."""

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.world = opening(self._stack)

    def teardown(self) -> None:
        self._stack.close()

    @rule(events=EVENTS)
    def full(self, events: list[Event]) -> None:
        """A whole listing. An empty or a collapsed one meets the guard."""
        self.world.happen(events)
        self.world.full()

    @rule(events=EVENTS)
    def full_whatever_goes(self, events: list[Event]) -> None:
        """`--allow-mass-deactivation`."""
        self.world.happen(events)
        self.world.full(allow_mass=True)

    @rule()
    def again(self) -> None:
        """Nothing happened: nothing is written that an earlier sync did not leave undone."""
        self.world.full()

    @rule(events=EVENTS, number=ANY, listed=st.sampled_from([True, True, True, False]))
    def one_product(self, events: list[Event], number: int, listed: bool) -> None:
        """`--product`: of what is listed, or of what isn't."""
        self.world.happen(events)
        world = self.world
        record = world.catalogue[number] if listed else None
        wanted = "nowhere" if record is None else record["product_id"]
        told = world.model.begin()
        told.scope = "product"
        found = [one for one in world.catalogue.served() if isinstance(one, dict) and one.get("product_id") == wanted]
        if found:
            world.model.publish_and_check(told, Seen.of(found))
        else:
            world.model.fail(told)
        world.serve()
        world.sync(told, "--product", wanted)

    @rule(events=EVENTS, lost=ANY, fault=st.sampled_from(["html", "fail-200", "bad-json", "http-500"]))
    def a_page_is_lost(self, events: list[Event], lost: int, fault: str) -> None:
        """A page can't be had: the first one ends the sync, without another the listing is not complete."""
        self.world.happen(events)
        pages = self.world.catalogue.pages()
        number = lost % len(pages) + 1 if pages else 1
        told = self.world.model.begin()
        if number == 1:
            self.world.model.fail(told)
        else:
            seen = Seen.of(record for at, page in enumerate(pages, 1) if at != number for record in page)
            seen.whole, seen.lost_pages = False, 1
            self.world.model.publish_and_check(told, seen)
        self.world.serve(f"{fault}:page={number}")
        self.world.sync(told)

    @rule(events=PLAIN_EVENTS, fault=st.sampled_from(["sliding", "inserting", "deleting"]))
    def it_moves(self, events: list[Event], fault: str) -> None:
        """The listing moves while it is read: nothing is lost, and what was seen last counts."""
        self.world.happen(events)
        catalogue, faults = self.world.catalogue, [fault]
        if len(catalogue.records) <= PAGE_CAP:
            faults = []
        told = self.world.model.begin()
        self.world.serve(*faults)
        listed = catalogue.served()
        if faults and fault == "sliding":
            catalogue.slid()
            listed = catalogue.served()
        elif faults and fault == "inserting":
            listed = [catalogue.inserted(), *listed]
        elif faults:
            catalogue.remove(0)
        seen = Seen.of(listed)
        seen.duplicates = None if faults else 0
        self.world.model.publish_and_check(told, seen)
        self.world.sync(told)

    @rule(events=EVENTS, when=st.sampled_from([1, 2, *STEPS]))
    def killed(self, events: list[Event], when: int | str) -> None:
        """SIGKILL while a page is waited for, or at the border of two steps: what was published stands, and the log
        says what it said at that moment until the next sync closes it."""
        self.world.happen(events)
        model = self.world.model
        told = model.begin()
        if when in ("_check", "_finished"):
            model.publish(told, Seen.of(self.world.catalogue.served()))
        model.kill(told)
        self.world.serve()
        if isinstance(when, str):
            self.world.sync(told, prepare=partial(dying_before, when))
        else:
            # A page that is not there is not asked for.
            self.world.kill_at_page(told, min(when, len(self.world.catalogue.pages()) or 1))
