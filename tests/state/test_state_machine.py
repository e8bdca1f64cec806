"""Random lives of a shop: 20 in `make test`, 200 longer ones in `make test-state`, the same ones on every machine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.shops import Shops
from tests.state.ground import Ground
from tests.state.machine import Syncs

SEQUENCES = 20
SYNCS = 2
"""Of a sequence, after the four that every one begins with; each, on both engines, costs 4 s of a core."""

SEED = 6
"""The first whose short lives tell the model from each of eleven that have one rule left out."""

SEQUENCES_OF_A_PART = 10
SYNCS_LONG = 6
PARTS = range(100, 120)
"""The seeds of the long lives: so many tests, which the processes and the shards share."""


@pytest.fixture(scope="session")
def ground(shops: Shops) -> Ground:
    """Made once: each sequence begins on copies."""
    return Ground(shops)


def live(ground: Ground, number: int, *, sequences: int, syncs: int, phases: tuple[Phase, ...]) -> None:
    """Run the sequences of a seed. A failure prints its steps, which are a test of their own when pasted."""

    class Machine(Syncs):
        def __init__(self) -> None:
            super().__init__(ground.opening)

    chosen = settings(
        max_examples=sequences,
        stateful_step_count=syncs,
        deadline=None,
        database=None,
        phases=phases,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(Machine), settings=chosen)


def test_whatever_happens_the_tables_hold_what_they_should(ground: Ground) -> None:
    live(ground, SEED, sequences=SEQUENCES, syncs=SYNCS, phases=(Phase.generate,))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The parts of this shard."""
    if "part" in metafunc.fixturenames:
        share, shares = metafunc.config.getoption("--shard")
        metafunc.parametrize("part", PARTS[share - 1 :: shares])


@pytest.mark.state
def test_in_two_hundred_long_lives(ground: Ground, part: int) -> None:
    live(ground, part, sequences=SEQUENCES_OF_A_PART, syncs=SYNCS_LONG, phases=(Phase.generate, Phase.shrink))
