"""The made-up shop of the state machine: what its point of sale lists, and the little ways in which that changes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

PAGE_CAP = 4

CATEGORY_TYPES = ("FLOWER", "PREROLL", "CARTRIDGE", "MERCH")
INSERTED_ID = "0a0a0000-0000-4000-8000-000000000001"
"""The id that the sandbox's fault `inserting` gives to what it adds in front."""


def new_record(number: int) -> Record:
    """The number-th product that the shop ever had, in the shape of TREEZ.md."""
    return {
        "product_id": f"p-{number:03}",
        "product_status": "ACTIVE",
        "above_threshold": True,
        "sellable_quantity": number % 7,
        "category_type": CATEGORY_TYPES[number % len(CATEGORY_TYPES)],
        "product_configurable_fields": {
            "name": f"Thing {number}",
            "brand": f"Brand {number % 3}",
            "subtype": "PRE-PACK" if number % 2 else None,
            "classification": "HYBRID",
        },
        "pricing": {"price_type": "FLAT", "price_sell": 10 + number / 2, "discounted_price": None},
        "product_barcodes": [f"00{number}"],
        "e_commerce": {
            "menu_title": None,
            "primary_image": f"https://pictures.invalid/{number}.png",
            "all_images": [],
            "product_description": "Grown “here”.\nTwice a year, too.",
        },
    }


@dataclass
class Catalogue:
    """What the point of sale lists. `records` stand there for good; `oddities` only until the next sync is over."""

    records: list[Record] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    oddities: list[tuple[int, Any]] = field(default_factory=list)
    spoiled: dict[str, Record] = field(default_factory=dict)
    made: int = 0

    def served(self) -> list[Any]:
        """The listing as it is sent now, in its order."""
        listed: list[Any] = [self.spoiled.get(record["product_id"], record) for record in self.records]
        for place, odd in self.oddities:
            listed.insert(place % (len(listed) + 1), odd)
        return copy.deepcopy(listed)

    def pages(self) -> list[list[Any]]:
        """The same, cut into pages."""
        listed = self.served()
        return [listed[start : start + PAGE_CAP] for start in range(0, len(listed), PAGE_CAP)]

    def settle(self) -> None:
        """A sync is over: what was odd is mended."""
        self.oddities.clear()
        self.spoiled.clear()

    def __getitem__(self, number: int) -> Record | None:
        """A listed record by any number; None where nothing is listed."""
        return self.records[number % len(self.records)] if self.records else None

    def create(self, place: int) -> None:
        self.records.insert(place % (len(self.records) + 1), new_record(self.made))
        self.made += 1

    def remove(self, number: int) -> None:
        if self.records:
            self.gone.append(self.records.pop(number % len(self.records)))

    def bring_back(self, number: int, place: int) -> None:
        if self.gone:
            self.records.insert(place % (len(self.records) + 1), self.gone.pop(number % len(self.gone)))

    def move(self, number: int, place: int) -> None:
        if self.records:
            record = self.records.pop(number % len(self.records))
            self.records.insert(place % (len(self.records) + 1), record)

    def slid(self) -> None:
        """As the sandbox's fault `sliding` leaves it: the first is renamed, and so the last."""
        first = self.records.pop(0)
        first["product_configurable_fields"]["name"] = f"🪴 {first['product_configurable_fields']['name']}"
        self.records.append(first)

    def inserted(self) -> Record:
        """What the fault `inserting` lists in front for the time of one sync."""
        record = copy.deepcopy(self.records[0])
        record["product_id"] = INSERTED_ID
        record["product_configurable_fields"]["name"] = "! New Arrival 1"
        return record

    def walk(self) -> Iterator[Record]:
        """Every record that there is or was."""
        yield from self.records
        yield from self.gone
