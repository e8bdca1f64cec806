"""Every fault of the sandbox, everywhere: no false success, nothing lost, nothing said of the key, and it heals.

`make test` runs half of the faults once, several in a row on one shop, `make test-long` the others and both on the
other engine; `make test-faults` each at every place, on both engines, each beside a control run that met none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import Engine
from tests.faults.matrix import Case, cases, expected, one_each
from tests.faults.suffering import healed, moved, standing, suffer
from tests.shop import Shop
from tests.shops import Shops

A_ROW = 6
ROWS = [one_each()[start : start + A_ROW] for start in range(0, len(one_each()), A_ROW)]


@pytest.mark.alternating
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=pytest.mark.long if number % 8 > 1 else (), id=row[0].fault)
        for number, row in enumerate(ROWS)
    ],
)
def test_each_fault_once_in_a_row_on_one_shop(stocked: Shop, row: list[Case]) -> None:
    table = expected()
    for day, case in enumerate(row, 1):
        moved(stocked, day)
        synced, outcome = suffer(stocked, case)
        assert outcome == table[case], f"{case}: {synced.ran.stderr}"
    healed(stocked)


@pytest.fixture(scope="module")
def controls(shops: Shops) -> Iterator[dict[Engine, Any]]:
    """What one undisturbed run leaves, an engine: made when it is first needed."""
    yield {}


@pytest.mark.faults
@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_a_fault_leaves_no_trace_that_a_clean_run_does_not_heal(
    stocked: Shop, shops: Shops, engine: Engine, controls: dict[Engine, Any], case: Case
) -> None:
    if engine not in controls:
        with shops.open(engine, stocked=True) as control:
            moved(control, 1)
            healed(control)
            controls[engine] = standing(control)
    moved(stocked, 1)
    synced, outcome = suffer(stocked, case)
    assert outcome == expected()[case], synced.ran.stderr
    healed(stocked)
    assert standing(stocked) == controls[engine]


def test_the_table_is_of_every_case_and_no_other() -> None:
    assert list(expected()) == sorted(cases(), key=list(expected()).index)
    assert expected().keys() == set(cases())
    assert len(list(cases())) >= 100, "on two engines that is 200"
