"""What happens between two syncs: at the point of sale, and in the app. Each event is drawn, shown, and done as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hypothesis import strategies as st

from tests.state.catalogue import CATEGORY_TYPES, Record

if TYPE_CHECKING:
    from tests.state.machine import World

STRATEGIES = ("merge", "manual_wins", "api_wins")

ANY = st.integers(0, 11)
PRICES = st.sampled_from([9.99, 12.5, 15, 20])
NAMES = st.sampled_from(["Blue Dream", "Grandma's “Purple” \\ Haze 🌿", "Ünïted"])
STOCKS = st.sampled_from([0, 1, 5, 29, -2])


class Event(Protocol):
    """Something that happens."""

    def happen(self, world: World) -> None: ...


@dataclass(frozen=True)
class Created:
    place: int

    def happen(self, world: World) -> None:
        world.catalogue.create(self.place)


@dataclass(frozen=True)
class Removed:
    number: int
    count: int

    def happen(self, world: World) -> None:
        for _ in range(self.count):
            world.catalogue.remove(self.number)


@dataclass(frozen=True)
class BroughtBack:
    number: int
    place: int

    def happen(self, world: World) -> None:
        world.catalogue.bring_back(self.number, self.place)


@dataclass(frozen=True)
class Moved:
    number: int
    place: int

    def happen(self, world: World) -> None:
        world.catalogue.move(self.number, self.place)


@dataclass(frozen=True)
class Changed:
    """The source changes something of a product; `part` leads to it."""

    number: int
    part: tuple[str, ...]
    value: Any

    def happen(self, world: World) -> None:
        record: Any = world.catalogue[self.number]
        if record is not None:
            for name in self.part[:-1]:
                record = record[name]
            record[self.part[-1]] = self.value


@dataclass(frozen=True)
class Flipped:
    """The source's product_status; a deactivated product may still be sold (TREEZ.md)."""

    number: int
    status: str
    still_sold: bool

    def happen(self, world: World) -> None:
        record = world.catalogue[self.number]
        if record is not None:
            record |= {"product_status": self.status, "above_threshold": self.still_sold}


@dataclass(frozen=True)
class Respelled:
    """The same contents: keys in another order, 1 as 1.0."""

    number: int

    def happen(self, world: World) -> None:
        record = world.catalogue[self.number]
        if record is not None:
            fresh = {key: record[key] for key in reversed(record)}
            fresh["sellable_quantity"] = float(record["sellable_quantity"])
            record.clear()
            record.update(fresh)


@dataclass(frozen=True)
class Doubled:
    """A product stands once more, with another price, until the next sync is over."""

    number: int
    place: int
    price: float

    def happen(self, world: World) -> None:
        record = world.catalogue[self.number]
        if record is not None:
            twin: Record = record | {"pricing": record["pricing"] | {"price_sell": self.price}}
            world.catalogue.oddities.append((self.place, twin))


@dataclass(frozen=True)
class Spoiled:
    """A product's record can't be used until the next sync is over: it has no name, or no id."""

    number: int
    lacks: str

    def happen(self, world: World) -> None:
        record = world.catalogue[self.number]
        if record is not None:
            nameless: Record = {"product_configurable_fields": {"name": " "}}
            lacking = {"product_id": None} if self.lacks == "id" else nameless
            shown = record["e_commerce"] | {"menu_title": None}
            world.catalogue.spoiled[record["product_id"]] = record | {"e_commerce": shown} | lacking


@dataclass(frozen=True)
class Littered:
    """A record that is of no product stands in the listing until the next sync is over."""

    place: int
    source_id: str | None

    def happen(self, world: World) -> None:
        world.catalogue.oddities.append((self.place, {"product_id": self.source_id, "litter": self.place}))


@dataclass(frozen=True)
class Edited:
    """A person changes a column of a product, whoever it is from."""

    number: int
    column: str
    value: Any

    def happen(self, world: World) -> None:
        if (source_id := world.any_product(self.number)) is not None:
            world.edit(source_id, self.column, self.value)


@dataclass(frozen=True)
class Undone:
    """A person puts a column back to what the source said last."""

    number: int
    column: str

    def happen(self, world: World) -> None:
        source_id = world.any_product(self.number)
        if source_id is not None and source_id in world.model.memories:
            world.edit(source_id, self.column, world.model.memories[source_id].values[self.column])


@dataclass(frozen=True)
class Deleted:
    """A person deletes a product's row."""

    number: int

    def happen(self, world: World) -> None:
        if (source_id := world.any_product(self.number)) is not None:
            world.delete(source_id)


@dataclass(frozen=True)
class EnteredByHand:
    """A person enters a product of the shop's own; its source_id may be one of the source's, by chance."""

    number: int

    def happen(self, world: World) -> None:
        world.enter("manual", world.any_product(self.number))


@dataclass(frozen=True)
class Linked:
    """A person entered a product by hand and has it follow the source from now on, by its source_id."""

    number: int

    def happen(self, world: World) -> None:
        record = world.catalogue[self.number]
        if record is not None and record["product_id"] not in world.model.products:
            world.enter("treez", record["product_id"])


@dataclass(frozen=True)
class NamedCategory:
    """The shop maps a category of its own otherwise: a new mapping, not a change at the source."""

    category_map: tuple[tuple[str, str], ...]

    def happen(self, world: World) -> None:
        world.map_categories(dict(self.category_map))


@dataclass(frozen=True)
class Switched:
    """Another conflict strategy is chosen."""

    strategy: str

    def happen(self, world: World) -> None:
        world.choose(self.strategy)


EDITS: dict[str, st.SearchStrategy[Any]] = {
    "name": NAMES,
    "brand": st.sampled_from([None, "House"]),
    "category": st.sampled_from(["flower", "edible", "other"]),
    "description": st.sampled_from([None, "Ours."]),
    "price_retail": st.one_of(st.none(), PRICES),
    "price_member": st.one_of(st.none(), PRICES),
    "price_sale": st.one_of(st.none(), PRICES),
    "stock_quantity": STOCKS,
    "in_stock": st.sampled_from([True, False, None]),
    "is_active": st.sampled_from([False, False, True, None]),
    "source_data": st.none(),
    "image_url": st.sampled_from([None, "https://ours.invalid/1.png"]),
}
"""The columns that a person edits, and to what: often to what the source brings as well."""

CHANGES: tuple[tuple[tuple[str, ...], st.SearchStrategy[Any]], ...] = (
    (("pricing", "price_sell"), PRICES),
    (("pricing", "price_sell"), PRICES.map(str)),
    (("pricing", "discounted_price"), st.one_of(st.none(), PRICES)),
    (("sellable_quantity",), STOCKS),
    (("product_configurable_fields", "name"), NAMES),
    (("product_configurable_fields", "brand"), st.sampled_from([None, "House"])),
    (("e_commerce", "menu_title"), st.one_of(st.none(), st.just(""), NAMES)),
    (("category_type",), st.sampled_from([*CATEGORY_TYPES, "SPACE_CAKE"])),
    (("slug",), st.integers(0, 2)),
)

CHANGED: st.SearchStrategy[Event] = st.sampled_from(CHANGES).flatmap(
    lambda change: st.builds(Changed, ANY, st.just(change[0]), change[1])
)
EDITED: st.SearchStrategy[Event] = st.sampled_from(sorted(EDITS)).flatmap(
    lambda column: st.builds(Edited, ANY, st.just(column), EDITS[column])
)

SOURCE: tuple[tuple[int, st.SearchStrategy[Event]], ...] = (
    (1, st.builds(Created, ANY)),
    (2, st.builds(Removed, ANY, st.sampled_from([1, 1, 2, 3, 3, 30]))),
    (2, st.builds(BroughtBack, ANY, ANY)),
    (1, st.builds(Moved, ANY, ANY)),
    (3, CHANGED),
    (2, st.builds(Flipped, ANY, st.sampled_from(["DEACTIVATED", "ACTIVE"]), st.booleans())),
    (1, st.builds(Respelled, ANY)),
)
APP: tuple[tuple[int, st.SearchStrategy[Event]], ...] = (
    (4, EDITED),
    (1, st.builds(Undone, ANY, st.sampled_from(sorted(EDITS.keys() - {"source_data"})))),
    (1, st.builds(Deleted, ANY)),
    (1, st.builds(EnteredByHand, ANY)),
    (1, st.builds(Linked, ANY)),
    (1, st.builds(NamedCategory, st.sampled_from([(), (("MERCH", "topical"),), (("FLOWER", "edible"),)]))),
    (2, st.builds(Switched, st.sampled_from(STRATEGIES))),
)
ODD: tuple[tuple[int, st.SearchStrategy[Event]], ...] = (
    (1, st.builds(Doubled, ANY, ANY, PRICES)),
    (2, st.builds(Spoiled, ANY, st.sampled_from(["name", "id"]))),
    (1, st.builds(Littered, ANY, st.sampled_from([None, "litter"]))),
)
"""Each kind of event with its weight."""


def _events(*kinds: tuple[int, st.SearchStrategy[Event]]) -> st.SearchStrategy[list[Event]]:
    drawn = [kind for weight, kind in kinds for _ in range(weight)]
    return st.lists(st.sampled_from(drawn).flatmap(lambda kind: kind), min_size=6, max_size=12)


EVENTS = _events(*SOURCE, *APP, *ODD)
"""What happens before a sync: much at a time, for it is the syncs that cost."""

PLAIN_EVENTS = _events(*SOURCE, *APP)
"""The same without odd records."""
