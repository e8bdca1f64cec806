"""Where a measurement was made: the machine and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pipelines.settings import ROOT
from tests.postgres import wheel_postgres

_PACKAGES = ("dlt", "dbt-core", "great-expectations", "duckdb", "psycopg", "pyarrow", "orjson", "requests")


def described() -> dict[str, str]:
    """What stands above the table in RESULTS.md."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory():.0f} GB of memory",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "release": f"guidelight-sync {version('guidelight-sync')}, commit {_commit()}",
        "versions": f"Python {platform.python_version()}, {_postgres()}, {packages}",
    }


def _processor() -> str:
    names = (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _commit() -> str:
    changed = "and changes that are not committed" if _said("git", "status", "--porcelain") else ""
    return f"{_said('git', 'rev-parse', '--short', 'HEAD') or 'unknown'} {changed}".strip()


def _postgres() -> str:
    said = _said(str(wheel_postgres() / "postgres"), "--version")
    return said.replace("postgres (PostgreSQL)", "Postgres")


def _said(*words: str) -> str:
    try:
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
