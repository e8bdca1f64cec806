"""What Great Expectations is asked of the products that were published: one table, its thresholds from the settings."""

from __future__ import annotations

from collections.abc import Iterator

from models.check import Expectation, Metrics, Severity
from models.integration import CheckSettings

_BETWEEN = "ExpectColumnValuesToBeBetween"
_PRESENT = "ExpectColumnValuesToNotBeNull"
_GREATER = "ExpectColumnPairValuesAToBeGreaterThanB"
_COUNT = "ExpectTableRowCountToBeBetween"
_FALLEN = "row_count_not_fallen"


FEWEST = 10
"""Active products from which on their number is compared: of a handful, half is an ordinary day."""


def expectations(settings: CheckSettings, last: Metrics | None, *, may_fall: bool = False) -> list[Expectation]:
    """Every expectation of one sync. `last` is what the last successful sync left; without it nothing is compared.

    `may_fall`: somebody said that the products are really gone (--allow-mass-deactivation).
    """
    wanted = [*_values()]
    if last is not None and last.active:
        wanted += _shares(settings, last)
        if last.active >= FEWEST:
            wanted += [one for one in _counts(settings, last) if not (may_fall and one.name == _FALLEN)]
    return wanted


def _values() -> Iterator[Expectation]:
    for column in ("price_retail", "price_sale"):
        yield Expectation(
            f"{column}_not_negative",
            Severity.ERROR,
            _BETWEEN,
            f"{{rows}} products have a negative {column}",
            "Correct the price at the point of sale",
            {"column": column, "min_value": 0},
        )
    for column in ("thc_percent", "cbd_percent"):
        yield Expectation(
            f"{column}_within_0_and_100",
            Severity.ERROR,
            _BETWEEN,
            f"{{rows}} products have a {column} outside 0 to 100",
            "Correct the lab results at the point of sale",
            {"column": column, "min_value": 0, "max_value": 100},
        )
    yield Expectation(
        "price_sale_below_price_retail",
        Severity.WARNING,
        _GREATER,
        "{rows} products are on sale for more than they cost",
        "Look at their discounts at the point of sale",
        {
            "column_A": "price_retail",
            "column_B": "price_sale",
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
    )


def _counts(settings: CheckSettings, last: Metrics) -> Iterator[Expectation]:
    least = last.active * (1 - settings.max_drop_percent / 100)
    most = last.active * (1 + settings.max_growth_percent / 100)
    yield Expectation(
        _FALLEN,
        Severity.ERROR,
        _COUNT,
        f"{{observed}} products are active, {last.active:,} were after the last successful sync",
        f"More than {settings.max_drop_percent:g}% are gone: look at summary.deactivated and summary.absent, "
        "and whether this is still the right shop. If it is, sync once with --allow-mass-deactivation",
        {"min_value": int(least)},
        active_only=True,
    )
    yield Expectation(
        "row_count_not_exploded",
        Severity.WARNING,
        _COUNT,
        f"{{observed}} products are active, {last.active:,} were after the last successful sync",
        f"More than {settings.max_growth_percent:g}% were added at once: look at summary.new_products",
        {"max_value": int(most) + 1},
        active_only=True,
    )


def _shares(settings: CheckSettings, last: Metrics) -> Iterator[Expectation]:
    for column, what, lacking in (
        ("price_retail", "a price", last.without_price),
        ("thc_percent", "lab results", last.without_lab_results),
        ("image_url", "an image", last.without_image),
    ):
        allowed = min(100.0, last.share(lacking) + settings.max_missing_points)
        yield Expectation(
            f"{column}_not_vanishing",
            Severity.WARNING,
            _PRESENT,
            f"{{rows}} active products lack {what}; of the last successful sync's it was {last.share(lacking):.0f}%",
            f"The share rose by more than {settings.max_missing_points:g} points: did a field move at the source?",
            {"column": column, "mostly": round(1 - allowed / 100, 6)},
            active_only=True,
        )
