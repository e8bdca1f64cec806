"""The shop's catalogue of a day: the products it opened with, and what each day since then moved on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from pipelines.sandbox.goods import Dice, Product, describe, product, product_id, stock_by_location, timestamp

NEW_SHARE, CHANGED_SHARE, REMOVED_SHARE = 0.01, 0.04, 0.005
"""What a day moves, of the number of products that the shop opened with."""

FEWEST_NEW, FEWEST_CHANGED, MOST_REMOVED = 2, 3, 5
FIRST_DAY_OF_REMOVALS = 2
FEWEST_TO_REMOVE_FROM = 10

DAYS_ASLEEP = 3
"""How long a product stays deactivated that a day deactivates; the first such day is that of the first removals."""

NEW_WORDS = ("New Harvest ", "Reserve ", "Small Batch ", "Fresh ", "Améliorée ")
BATCH = " Batch of day "


def catalogue(*, products: int, seed: int, day: int) -> list[Product]:
    """The whole listing of a day in Treez's order: by name, then product_id. The same arguments, the same records."""
    return sorted(records(products=products, seed=seed, day=day), key=listing_order)


def listing_order(record: Product) -> tuple[str, str]:
    """How Treez sorts its product list (TREEZ.md, Order and edges)."""
    return record["product_configurable_fields"]["name"], record["product_id"]


def records(*, products: int, seed: int, day: int) -> Iterator[Product]:
    """The records of a day one by one, in no order that means anything: 100,000 need not be held at once."""
    first_listed, moves = _history(products, seed, day)
    for number, listed_on in first_listed.items():
        record = product(seed, number, listed_on)
        for moved_on, move in moves.get(number, ()):
            move(record, moved_on, Dice(f"{seed}/{number}/{moved_on}"))
        yield record


Move = Callable[[Product, int, Dice], None]


def _history(products: int, seed: int, day: int) -> tuple[Mapping[int, int], Mapping[int, list[tuple[int, Move]]]]:
    """{number: the day it was first listed} of what is listed on `day`, and the moves of each, oldest first."""
    first_listed = dict.fromkeys(range(products), 0)
    moves: defaultdict[int, list[tuple[int, Move]]] = defaultdict(list)
    asleep: dict[int, int] = {}
    arrivals = max(FEWEST_NEW, round(products * NEW_SHARE))
    for today in range(1, day + 1):
        dice = Dice(f"{seed}/day/{today}")
        changed = min(len(first_listed), max(FEWEST_CHANGED, round(products * CHANGED_SHARE)))
        drawn = _draw(dice, list(first_listed), changed + _removals(len(first_listed), products, today))
        for turn, number in enumerate(drawn[:changed]):
            moves[number].append((today, MOVES[turn] if turn < len(MOVES) else dice.pick(USUAL_MOVES)))
        for number in drawn[changed:]:
            del first_listed[number]
        if drawn[changed:]:
            moves[drawn[0]].append((today, _merging(product_id(seed, drawn[changed]))))
        if today >= FIRST_DAY_OF_REMOVALS and changed > len(MOVES):
            asleep[today] = drawn[len(MOVES)]
            moves[asleep[today]].append((today, _deactivate))
        woken = asleep.get(today - DAYS_ASLEEP)
        if woken is not None and woken in first_listed:
            moves[woken].append((today, _reactivate))
        opened_with = products + (today - 1) * arrivals
        first_listed.update(dict.fromkeys(range(opened_with, opened_with + arrivals), today))
    return first_listed, moves


def _removals(listed: int, products: int, today: int) -> int:
    if today < FIRST_DAY_OF_REMOVALS or listed < FEWEST_TO_REMOVE_FROM:
        return 0
    return min(MOST_REMOVED, max(1, round(products * REMOVED_SHARE)))


def _draw(dice: Dice, numbers: list[int], count: int) -> list[int]:
    """So many different numbers, in the order drawn."""
    count = min(count, len(numbers))
    for place in range(count):
        other = dice.whole(place, len(numbers) - 1)
        numbers[place], numbers[other] = numbers[other], numbers[place]
    return numbers[:count]


def _reprice(record: Product, day: int, dice: Dice) -> None:
    pricing = record["pricing"]
    step = dice.pick((0.5, 1, 2, 5))
    if pricing["price_type"] == "TIER":
        for tier in pricing["tier_pricing_detail"]:
            tier["price_per_value"] = round(tier["price_per_value"] + step, 2)
    else:
        price = round(float(pricing["price_sell"]) + step, 2)
        pricing["price_sell"] = f"{price:.2f}" if isinstance(pricing["price_sell"], str) else price
        if pricing["discounted_price"] is not None:
            pricing["discounted_price"] = round(price * (100 - pricing["discount_percent"]) / 100, 2)
            pricing["discount_amount"] = round(price - pricing["discounted_price"], 2)
    record["last_updated_at"] = timestamp(day, dice)


def _restock(record: Product, day: int, dice: Dice) -> None:
    """Sales and deliveries: they do not move last_updated_at (TREEZ.md)."""
    before = record["sellable_quantity"]
    sold_down = before > 1 and dice.chance(75)
    after = dice.whole(0, before - 1) if sold_down else before + dice.whole(6, 48)
    record["sellable_quantity"] = after
    record["sellable_quantity_detail"] = stock_by_location(dice, after)
    _judge(record)


def _judge(record: Product) -> None:
    """Whether the product is on sale: above its own minimum, and a deactivated one only while there is some stock."""
    held = record["sellable_quantity"]
    minimum = (record["e_commerce"] or {}).get("minimum_visible_inventory_level", 0)
    record["above_threshold"] = held > minimum if record["product_status"] == "ACTIVE" else held > max(minimum, 3)


def _rename(record: Product, day: int, dice: Dice) -> None:
    fields, shown = record["product_configurable_fields"], record["e_commerce"] or {}
    worn = next((word for word in NEW_WORDS if fields["name"].startswith(word)), "")
    word = dice.pick([other for other in NEW_WORDS if other != worn])
    fields["name"] = word + fields["name"].removeprefix(worn)
    if shown.get("menu_title"):
        shown["menu_title"] = word + shown["menu_title"].removeprefix(worn)
    record["last_updated_at"] = timestamp(day, dice)


def _redescribe(record: Product, day: int, dice: Dice) -> None:
    if record["e_commerce"] is None:
        record["e_commerce"] = {"menu_title": None, "primary_image": None, "all_images": []}
    text = record["e_commerce"].get("product_description") or describe(dice)
    record["e_commerce"]["product_description"] = f"{text.partition(BATCH)[0]}{BATCH}{day}."
    record["last_updated_at"] = timestamp(day, dice)


def _deactivate(record: Product, day: int, dice: Dice) -> None:
    """Often what is still there is sold on: Treez lists it as deactivated and above its threshold."""
    record["product_status"] = "DEACTIVATED"
    _judge(record)
    record["last_updated_at"] = timestamp(day, dice)


def _reactivate(record: Product, day: int, dice: Dice) -> None:
    record["product_status"] = "ACTIVE"
    _judge(record)
    record["last_updated_at"] = timestamp(day, dice)


def _merging(merged: str) -> Move:
    """A product that goes is one that was merged into another, which keeps its id (TREEZ.md, A product)."""

    def merge(record: Product, day: int, dice: Dice) -> None:
        record["merged_from_product_ids"] = [*record["merged_from_product_ids"], merged]
        record["last_updated_at"] = timestamp(day, dice)

    return merge


MOVES: tuple[Move, ...] = (_reprice, _restock, _rename, _redescribe)
"""Each day has each of them where it has room."""

USUAL_MOVES: tuple[Move, ...] = (_reprice, _reprice, _restock, _restock, _restock, _redescribe, _rename)
