"""What the forkserver imports and parses once, so that what it forks is warm (STACK.md, Warm processes)."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

from pipelines.settings import Target, quiet_libraries

quiet_libraries()

import dbt.cli.main  # noqa: E402, F401
import dlt.destinations  # noqa: E402, F401
import great_expectations.expectations  # noqa: E402, F401
import rich.table  # noqa: E402, F401

import pipelines.cli  # noqa: E402
import pipelines.command  # noqa: E402
import pipelines.dlt_postgres  # noqa: E402
import pipelines.registry  # noqa: E402
import pipelines.sync  # noqa: E402, F401
from pipelines.transform import Dbt  # noqa: E402
from pipelines.warm import PARSED  # noqa: E402


def _parse() -> None:
    """Parse for both engines; parsing opens no database, and is told of one that is never there."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as directory:
        targets = (
            Target("duckdb", path=Path(directory) / "guidelight.duckdb"),
            Target("postgres", parameters=(("dbname", "parsed"), ("host", directory), ("user", "postgres"))),
        )
        for target in targets:
            PARSED[target.engine] = Dbt(target).manifest
    os.environ.clear()
    os.environ.update(before)


_parse()

# What is here now stays: the collector of a forked process need not walk through it, nor copy its pages.
gc.freeze()
