"""Kills a sync at the border of two of its steps: run in the sync's own process, before it begins."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

STEPS = ("_extract", "_publish", "_check", "_finished")
"""The steps of pipelines/sync.py by their functions: taken the turn, landed, published, checked."""


def dying_before(step: str) -> None:
    """Let this process die by SIGKILL where the step would begin."""
    from pipelines import sync

    assert callable(getattr(sync, step))
    setattr(sync, step, _die)


def _die(*_given: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it outlived SIGKILL")
