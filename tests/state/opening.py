"""How every sequence begins: four syncs of a life that left something behind in each table, the same ones each time."""

from __future__ import annotations

from tests.state.events import Changed, Created, Edited, Event, Flipped, Removed, Switched
from tests.state.machine import World

PRODUCTS = 14
"""On the first day; two of them soon go. The guard's share counts from ten active ones up."""

_NAME = ("product_configurable_fields", "name")

DAYS: tuple[tuple[Event, ...], ...] = (
    tuple(Created(number) for number in range(PRODUCTS)),
    (Removed(1, 2),),
    (
        Switched("manual_wins"),
        Edited(3, "name", "Ours"),  # the source renames it, too
        Changed(1, _NAME, "Theirs"),
        Changed(2, _NAME, "Held back"),
        Edited(5, "is_active", False),
        Flipped(3, "DEACTIVATED", still_sold=False),  # the same product, by the source as well
        Edited(6, "price_retail", 1.25),  # overwritten
    ),
    (
        Switched("merge"),  # what was held back follows, what was edited stays
        Edited(7, "price_sale", 2.5),
        Edited(8, "stock_quantity", 99),  # the source moves it, too
        Changed(6, ("sellable_quantity",), 5),
        Edited(9, "in_stock", None),
        Flipped(3, "ACTIVE", still_sold=True),  # by a person it is still off
    ),
)
"""What happens before each of the syncs."""


def open_up(world: World) -> None:
    """Live through the opening days, each compared with the model as any other sync."""
    for day in DAYS:
        world.happen(day)
        world.full()
