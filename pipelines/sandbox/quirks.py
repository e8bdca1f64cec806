"""The one table of quirks: where Treez's contract is silent, the ways that the shop can be set to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Quirk:
    """What nobody has published, and the ways there are: the first is the default."""

    about: str
    ways: tuple[str, ...]


QUIRKS: Mapping[str, Quirk] = {
    "past-end": Quirk("a page past the end: an empty list with 200 and counts of 0, or 400", ("empty", "400")),
    "total-count": Quirk("total_count: a number, missing, or a text", ("number", "missing", "text")),
    "order": Quirk("the listing's order: by name and id, by id, by last_updated_at, or none",
                   ("name", "id", "updated", "shuffled")),
    "stock": Quirk("sellable_quantity: as it is, or 30 for anything above", ("exact", "capped")),
    "numbers": Quirk("numbers in product_configurable_fields and price_sell: both ways, as numbers, or as texts",
                     ("mixed", "numbers", "texts")),
    "location-ids": Quirk("location_id in sellable_quantity_detail (newer instances)", ("absent", "given")),
    "images": Quirk("primary_image and all_images where include_image_list is not sent", ("listed", "on-request")),
    "discounts": Quirk("discounts and discounted_price where include_discounts is not sent", ("listed", "on-request")),
    "client-id": Quirk("v2's client_id header", ("required", "optional")),
    "bearer-answer": Quirk("bearer: a bare array, an object with products, or v2's envelope",
                           ("array", "products", "envelope")),
    "bearer-records": Quirk("bearer: records nested as v2's, or flat", ("nested", "flat")),
    "bearer-pages": Quirk("bearer: the whole list whatever the page, nothing from page 2 on, or real pages",
                          ("whole", "one", "paged")),
    "compression": Quirk("a body whose client takes gzip: plain, or gzipped", ("none", "gzip")),
}  # fmt: skip
"""Every quirk there is, by name: `name=way`."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """The ways that were chosen; the default of all others."""

    chosen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Quirks:
        """Read `name=way` texts. Raises ConfigurationError, naming what is known, for an unknown name or way."""
        chosen: dict[str, str] = {}
        for text in texts:
            name, _, way = text.strip().partition("=")
            quirk = QUIRKS.get(name)
            if quirk is None:
                raise ConfigurationError(f"Unknown quirk {name!r}: known are {', '.join(sorted(QUIRKS))}")
            if way not in quirk.ways:
                raise ConfigurationError(f"Quirk {name}={way}: it is one of {', '.join(quirk.ways)}")
            chosen[name] = way
        return cls(chosen)

    def way(self, name: str) -> str:
        """The way that a quirk is set to."""
        return self.chosen.get(name, QUIRKS[name].ways[0])

    def all(self) -> dict[str, str]:
        """Each quirk and its way."""
        return {name: self.way(name) for name in QUIRKS}
