"""Runs the sequences of a seed; which ones `make test` runs stands here."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import Opening, Syncs

SEQUENCES = 20
SYNCS = 2
"""Of a sequence, after the four that every one begins with; each, on both engines, costs 4 s of a core."""

SEED = 8
"""The first whose short lives show up every wrong model of test_lives.py."""


def live(opening: Opening, number: int, *, sequences: int, syncs: int, phases: tuple[Phase, ...]) -> None:
    """Run the sequences of a seed. A failure prints its steps, which are a test of their own when pasted."""

    class Machine(Syncs):
        def __init__(self) -> None:
            super().__init__(opening)

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
    # Hypothesis draws from the numbers and texts of whatever modules are loaded, so that a seed would mean another life
    # in each process and after each change of any file.
    with patch.object(HypothesisProvider, "_maybe_draw_constant", return_value=None):
        run_state_machine_as_test(seed(number)(Machine), settings=chosen)


def live_short(opening: Opening) -> None:
    """The lives of `make test`."""
    live(opening, SEED, sequences=SEQUENCES, syncs=SYNCS, phases=(Phase.generate,))
