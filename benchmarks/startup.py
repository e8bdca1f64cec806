"""Start-up: a cold import of dbt and one of Great Expectations, a process each, started together."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping

from benchmarks.measured import NotMeasured
from pipelines.settings import QUIET, ROOT

_IMPORTED = ("dbt.cli.main", "great_expectations")


def startup(env: Mapping[str, str]) -> float:
    """Seconds until both have ended. Raises NotMeasured where one can't be imported."""
    quiet = dict(env) | QUIET
    began = time.monotonic()
    both = [subprocess.Popen([sys.executable, "-c", f"import {name}"], cwd=ROOT, env=quiet) for name in _IMPORTED]
    statuses = [process.wait() for process in both]
    if any(statuses):
        raise NotMeasured("dbt and Great Expectations can't be imported")
    return time.monotonic() - began
