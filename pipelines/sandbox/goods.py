"""One product of the made-up shop, in the shape of TREEZ.md, made from the shop's seed and the product's number."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import Any, TypeVar

from pipelines.sandbox.words import (
    BADGES,
    BRANDS,
    CLASSIFICATIONS,
    EFFECTS,
    FLAVORS,
    FLAVOURED,
    GENERAL,
    GOODS,
    INGREDIENTS,
    LOCATIONS,
    SENTENCES,
    STRAINLESS,
    STRAINS,
    TERPENES,
    VARIETIES,
    Goods,
)

Product = dict[str, Any]
Item = TypeVar("Item")

OPENING = datetime(2026, 9, 1, 9, 0, tzinfo=timezone(timedelta(hours=-7)))
"""Day 0 of the shop: fixed, so that the same seed gives the same bytes on every machine."""

LONGEST_UNCHANGED = 364
"""Days before the opening within which everything was last updated."""

_BY_WEIGHT = tuple(goods for goods in GOODS for _ in range(goods.weight))
_UNITS = {"GRAMS": "g", "MILLIGRAMS": "mg", "MILLILITERS": "ml", "FLUID_OUNCES": "oz", "OUNCES": "oz"}
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


class Dice(random.Random):
    """Chance that repeats: only `random()` is drawn from, whose sequence Python keeps the same between versions."""

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[int(self.random() * len(items))]

    def chance(self, percent: float) -> bool:
        """True in so many of a hundred cases."""
        return self.random() * 100 < percent

    def between(self, low: float, high: float, digits: int = 0) -> float:
        """A number from low to high, rounded."""
        return round(low + self.random() * (high - low), digits)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def some(self, items: Sequence[Item], most: int) -> list[Item]:
        """Up to `most` different neighbours of a table."""
        start = int(self.random() * len(items))
        return [items[(start + step) % len(items)] for step in range(self.whole(0, most))]


def product_id(seed: int, number: int) -> str:
    """The uuid of a product: the same for the same seed and number, whatever the day."""
    return _uuid(f"{seed}/{number}")


def timestamp(day: int, dice: Dice) -> str:
    """A moment of a day's opening hours, in Treez's format."""
    moment = OPENING + timedelta(days=day, milliseconds=dice.whole(0, 12 * 3600 * 1000 - 1))
    return moment.isoformat(timespec="milliseconds")


def product(seed: int, number: int, day: int = 0) -> Product:
    """The product as it is first listed on `day`. Products 0 to 12 cover every category_type once."""
    dice = Dice(f"{seed}/{number}")
    goods = GOODS[number] if number < len(GOODS) else dice.pick(_BY_WEIGHT)
    quantity, deactivated, above_threshold, minimum = _standing(dice)
    fields = _configurable_fields(dice, goods)
    identity = product_id(seed, number)
    record: Product = {
        "product_id": identity,
        "product_status": "DEACTIVATED" if deactivated else "ACTIVE",
        "last_updated_at": timestamp(day if day else -dice.whole(1, LONGEST_UNCHANGED), dice),
        "sellable_quantity": quantity,
        "sellable_quantity_detail": stock_by_location(dice, quantity),
        "category_type": goods.category,
        "product_configurable_fields": fields,
        "pricing": _pricing(dice, goods),
        "discounts": None if dice.chance(50) else [],
        "attributes": None if dice.chance(2) else _attributes(dice, goods),
        "product_barcodes": _barcodes(dice, number),
        "e_commerce": None if dice.chance(1) else _e_commerce(dice, identity, fields, minimum),
        "autoupdate_lab_results": dice.chance(70),
        "above_threshold": above_threshold,
        "merged_from_product_ids": [],
        "external_references": [],
    }
    if dice.chance(85):
        record["lab_results"] = [] if dice.chance(12) else _lab_results(dice, goods)
    if dice.chance(60):
        record["catalog_parent_id"] = _uuid(f"{seed}/parent/{number // 3}")
        record["slug"] = _NOT_IN_SLUGS.sub("-", fields["name"].lower()).strip("-")
    return record


def stock_by_location(dice: Dice, quantity: int) -> list[Product]:
    """The quantity spread over one or two locations; none for none."""
    if quantity == 0:
        return []
    here = quantity if quantity < 4 or dice.chance(70) else dice.whole(1, quantity - 1)
    parts = [(dice.pick(LOCATIONS), here), ("SALES FLOOR", quantity - here)]
    kind = "ADULT" if dice.chance(85) else "MEDICAL"
    return [
        {"inventory_type": kind, "location": location, "sellable_quantity": held} for location, held in parts if held
    ]


def describe(dice: Dice) -> str:
    """Two to six sentences."""
    return " ".join(dice.pick(SENTENCES) for _ in range(dice.whole(2, 6)))


def _uuid(key: str) -> str:
    digits = blake2b(key.encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _standing(dice: Dice) -> tuple[int, bool, bool, int]:
    """(sellable quantity, deactivated, above_threshold, minimum): a few deactivated products are still sold."""
    minimum = dice.pick((0, 0, 0, 1, 3))
    if dice.chance(5):
        still_sold = dice.chance(35)
        return (dice.whole(4, 30) if still_sold else 0), True, still_sold, minimum
    quantity = 0 if dice.chance(12) else dice.whole(1, 120)
    return quantity, False, quantity > minimum, minimum


def _configurable_fields(dice: Dice, goods: Goods) -> Product:
    brand = dice.pick(BRANDS)
    amount = dice.pick(goods.amounts)
    strain = "" if goods.category in STRAINLESS else dice.pick(STRAINS)
    as_text = dice.chance(12)
    fields: Product = {
        "name": _name(dice, goods, brand, strain or dice.pick(VARIETIES), amount),
        "brand": dice.pick((None, "")) if dice.chance(4) else brand,
        "size": "" if dice.chance(10) else _size(goods, amount),
        "uom": goods.uom,
        "amount": str(amount) if as_text else amount,
        "classification": None if goods.category in ("MERCH", "MISC", "NON_INV") else dice.pick(CLASSIFICATIONS),
        "sub_type" if as_text else "subtype": dice.pick(goods.subtypes),
        "external_id": None,
    }
    if dice.chance(50):
        fields["strain_name"] = strain
    if goods.measure == "MG":
        doses = dice.pick((1, 5, 10, 20))
        total = dice.between(*goods.potency)
        fields["total_mg_thc"] = str(total) if as_text else total
        fields["total_mg_cbd"] = "" if dice.chance(60) else dice.whole(1, 50)
        fields["doses"] = str(doses) if as_text else doses
        fields["mg_per_dose"] = round(total / doses, 2)
    elif goods.uom == "GRAMS":
        kind = "flower" if goods.category in ("FLOWER", "PREROLL") else "concentrate"
        fields[f"total_{kind}_weight_g"] = f"{amount:.3f}" if as_text else amount
    return fields


def _name(dice: Dice, goods: Goods, brand: str, what: str, amount: float) -> str:
    noun = dice.pick(goods.nouns)
    size = _size(goods, amount)
    name = dice.pick((f"{brand} | {what} {noun} {size}", f"{what} {noun} - {size}", f"{brand} {what} {noun} [{size}]"))
    if dice.chance(3):
        name = f"{dice.pick(BADGES)} {name}"
    if dice.chance(2):
        name = f"{name} – {describe(dice)}"[:240].rstrip()
    return name.upper() if dice.chance(15) else name


def _size(goods: Goods, amount: float) -> str:
    return f"{amount}{_UNITS.get(goods.uom, 'ea')}"


def _pricing(dice: Dice, goods: Goods) -> Product:
    low, high = goods.prices
    price: float = dice.whole(low, high)
    if dice.chance(goods.tiered):
        starts = (0, 1, 3.5, 7) if dice.chance(20) else (1, 3.5, 7, 14, 28)
        gram = dice.between(5, 16)
        tiers = [{"start_value": start, "price_per_value": round(gram - step, 2)} for step, start in enumerate(starts)]
        return {
            "price_type": "TIER", "price_sell": None, "tier_name": f"{goods.category} {dice.pick('ABCD')}",
            "tier_method": "WEIGHT_GRAMS", "tier_pricing_detail": tiers, "discounted_price": None,
            "discount_amount": 0.0, "discount_percent": 0.0,
        }  # fmt: skip
    if dice.chance(30):
        price = round(price + dice.pick((0.5, 0.95, 0.99)), 2)
    percent = dice.pick((10, 15, 20, 25)) if dice.chance(9) else 0
    reduced = round(price * (100 - percent) / 100, 2) if percent else None
    return {
        "price_type": "FLAT", "price_sell": f"{price:.2f}" if dice.chance(12) else price, "tier_name": None,
        "discounted_price": reduced, "discount_amount": round(price - reduced, 2) if reduced is not None else 0.0,
        "discount_percent": percent,
    }  # fmt: skip


def _attributes(dice: Dice, goods: Goods) -> Product:
    return {
        "general": dice.some(GENERAL, 2),
        "flavors": dice.some(FLAVORS, 3),
        "effects": dice.some(EFFECTS, 3),
        "ingredients": dice.some(INGREDIENTS, 4) if goods.category in FLAVOURED else [],
        "internal_tags": [],
    }


def _barcodes(dice: Dice, number: int) -> list[Any]:
    if dice.chance(30):
        return []
    code = f"0{dice.whole(85000, 86999)}{number % 10**6:06d}{dice.whole(0, 9)}"
    return [{"sku": code}] if dice.chance(18) else [code, *([f"SKU-{number}"] if dice.chance(10) else [])]


def _e_commerce(dice: Dice, identity: str, fields: Product, minimum: int) -> Product:
    pictures = [f"https://pictures.sandbox.example/{identity}/{side}.jpg" for side in range(dice.pick((0, 1, 1, 2)))]
    on_the_menu = fields["name"].partition(" | ")[2] or fields["name"]
    title: str | None = on_the_menu if dice.chance(40) else dice.pick((None, ""))
    return {
        "primary_image": pictures[0] if pictures and dice.chance(88) else None,
        "all_images": pictures,
        "menu_title": title,
        "product_description": dice.pick((None, "")) if dice.chance(15) else describe(dice),
        "minimum_visible_inventory_level": minimum,
        "hide_from_menu": dice.chance(3),
    }


def _lab_results(dice: Dice, goods: Goods) -> list[Product]:
    if goods.measure is None:
        return []
    low, high = goods.potency
    potency = dice.between(low, high, 1)
    if goods.measure == "MG":
        return [_measured("THC", potency, potency, "MG"), _measured("CBD", 0, dice.whole(0, 20), "MG")]
    unit = "%" if dice.chance(20) else "PERCENTAGE"
    spread = dice.between(0.2, 2.5, 1) if dice.chance(35) else 0
    acid = round(potency * 0.9, 2)
    found = [_measured("THC", round(potency - acid, 2), round(potency - acid, 2), unit)]
    found.append(_measured("THCA", acid, acid, unit))
    if dice.chance(60):
        found.append(_measured("TOTAL THC", round(potency - spread, 2), potency, unit))
    if dice.chance(70):
        cbd = dice.between(0, 1.2, 2)
        found.append(_measured("CBD", cbd, cbd, unit))
    for terpene in dice.some(TERPENES, 6):
        share = dice.between(0.05, 1.6, 2)
        found.append(_measured(terpene, share, share, unit))
    return found


def _measured(what: str, least: float, most: float, unit: str) -> Product:
    return {
        "result_type": what,
        "amount": {"minimum_value": f"{least:g}", "maximum_value": f"{most:g}"},
        "amount_type": unit,
    }
