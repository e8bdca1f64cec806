"""How a record is shown: stock capped or of one place, numbers as texts, without images or discounts, or flat."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.sandbox.goods import Product
from pipelines.sandbox.poison import rendered

MOST_SHOWN = 30
"""What stands for any larger stock (TREEZ.md, Stock may be capped)."""

FIGURES = (
    "amount", "total_mg_thc", "total_mg_cbd", "doses", "mg_per_dose", "total_flower_weight_g",
    "total_concentrate_weight_g",
)  # fmt: skip
"""Fields that hold numbers in live answers, and numbers as texts in the definition."""

IMAGES = ("primary_image", "all_images")
DISCOUNTS = ("discounted_price", "discount_amount", "discount_percent")


@dataclass(frozen=True, slots=True)
class Dress:
    """What is changed of a record, which stays as it is underneath. location, kind: only stock there, of that type."""

    capped: bool = False
    numbers: str = "mixed"
    images: bool = True
    discounts: bool = True
    location_ids: bool = False
    flat: bool = False
    location: str | None = None
    kind: str | None = None

    def put_on(self, raw: bytes) -> bytes:
        """The record so dressed; what is no object, or changes in nothing, comes back as it is."""
        if self == PLAIN:
            return raw
        record = json.loads(raw)
        if not isinstance(record, dict):
            return raw
        if self.location is not None or self.kind is not None:
            _only_there(record, self.location, self.kind)
        if self.capped:
            _capped(record)
        if self.location_ids:
            _with_location_ids(record)
        if self.numbers != "mixed":
            _respelled(record, _as_number if self.numbers == "numbers" else _as_text)
        if not self.images:
            record["e_commerce"] = _without(record.get("e_commerce"), IMAGES)
        if not self.discounts:
            record.pop("discounts", None)
            record["pricing"] = _without(record.get("pricing"), DISCOUNTS)
        return rendered(_flat(record) if self.flat else record)


PLAIN = Dress()


def _places(record: Product) -> list[Product]:
    return [place for place in record.get("sellable_quantity_detail") or [] if isinstance(place, dict)]


def _only_there(record: Product, location: str | None, kind: str | None) -> None:
    places = [
        place
        for place in _places(record)
        if location in (None, place.get("location")) and kind in (None, place.get("inventory_type"))
    ]
    record["sellable_quantity_detail"] = places
    record["sellable_quantity"] = sum(place["sellable_quantity"] for place in places)


def _capped(record: Product) -> None:
    for holder in (record, *_places(record)):
        quantity = holder.get("sellable_quantity")
        if isinstance(quantity, int) and quantity > MOST_SHOWN:
            holder["sellable_quantity"] = MOST_SHOWN


def _with_location_ids(record: Product) -> None:
    for place in _places(record):
        number = zlib.crc32(str(place.get("location")).encode())
        place["location_id"] = f"{number:08x}-0000-4000-8000-000000000000"


def _respelled(record: Product, spell: Callable[[Any], Any]) -> None:
    fields, pricing = record.get("product_configurable_fields") or {}, record.get("pricing") or {}
    for name in FIGURES:
        if name in fields:
            fields[name] = spell(fields[name])
    if "price_sell" in pricing:
        pricing["price_sell"] = spell(pricing["price_sell"])


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _as_number(value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def _without(value: Any, names: tuple[str, ...]) -> Any:
    return {key: held for key, held in value.items() if key not in names} if isinstance(value, dict) else value


def _flat(record: Product) -> Product:
    """As somebody would write a mock by hand: all that a menu needs at the top level, under plain names."""
    fields, pricing = record.get("product_configurable_fields") or {}, record.get("pricing") or {}
    shown = record.get("e_commerce") or {}
    tiers = pricing.get("tier_pricing_detail") or [{}]
    kept = ("product_id", "product_status", "last_updated_at", "category_type", "lab_results", "product_barcodes")
    return {
        **{name: record[name] for name in kept if name in record},
        "name": shown.get("menu_title") or fields.get("name"),
        "brand": fields.get("brand"),
        "subtype": fields.get("subtype") or fields.get("sub_type"),
        "classification": fields.get("classification"),
        "description": shown.get("product_description"),
        "price": pricing.get("price_sell") or tiers[0].get("price_per_value"),
        "price_sale": pricing.get("discounted_price"),
        "quantity": record.get("sellable_quantity"),
        "image_url": shown.get("primary_image"),
        "above_threshold": record.get("above_threshold"),
    }
