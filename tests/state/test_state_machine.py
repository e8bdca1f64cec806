"""Random lives of a shop: 20 in `make test`, 200 longer ones in `make test-state`, the same ones on every machine."""

from __future__ import annotations

import pytest
from hypothesis import Phase

from tests.shops import Shops
from tests.state.ground import Ground
from tests.state.lives import live, live_short

SEQUENCES_OF_A_PART = 10
SYNCS_LONG = 6
PARTS = range(100, 120)
"""The seeds of the long lives: so many tests, which the processes and the shards share."""


@pytest.fixture(scope="session")
def ground(shops: Shops) -> Ground:
    """Made once: each sequence begins on copies."""
    return Ground(shops)


def test_whatever_happens_the_tables_hold_what_they_should(ground: Ground) -> None:
    live_short(ground.opening)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The parts of this shard."""
    if "part" in metafunc.fixturenames:
        share, shares = metafunc.config.getoption("--shard")
        metafunc.parametrize("part", PARTS[share - 1 :: shares])


@pytest.mark.state
def test_in_two_hundred_long_lives(ground: Ground, part: int) -> None:
    live(ground.opening, part, sequences=SEQUENCES_OF_A_PART, syncs=SYNCS_LONG, phases=(Phase.generate, Phase.shrink))
