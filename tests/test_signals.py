"""A signal reaches who ends the sync, even where a library's finalizer swallows what it raises."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from pipelines.settings import ROOT

WAITING = """
import os, signal, threading
from pipelines import signals
from pipelines.errors import Interrupted

signals._UNHEEDED = 0.5
before = signal.getsignal(signal.{name})
try:
    with signals.interruptible():
        try:
            os.kill(os.getpid(), signal.{name})
            threading.Event().wait(20)
        except BaseException:
            print("swallowed")
        threading.Event().wait(20)
except Interrupted as error:
    print(error, error.exit_status)
print(signal.getsignal(signal.{name}) is before)
"""


def python(program: str) -> subprocess.CompletedProcess[Any]:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=15)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_what_is_swallowed_is_raised_again(signum: signal.Signals) -> None:
    ran = python(WAITING.replace("{name}", signum.name))
    assert ran.stdout.splitlines() == ["swallowed", f"interrupted by {signum.name} {128 + signum}", "True"], ran.stderr
