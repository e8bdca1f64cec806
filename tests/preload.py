"""What the forkserver imports and parses once, so that what it forks is warm (STACK.md, Warm processes)."""

from __future__ import annotations

import gc
import os
import tempfile
from functools import partial
from pathlib import Path

from pipelines.settings import Target, quiet_libraries

quiet_libraries()

import dbt.cli.main  # noqa: E402, F401
import dlt.destinations  # noqa: E402, F401
import great_expectations.expectations  # noqa: E402, F401
import great_expectations.render.view.view as view  # noqa: E402
import jinja2  # noqa: E402
import rich.table  # noqa: E402, F401

import pipelines.cli  # noqa: E402
import pipelines.command_sync  # noqa: E402
import pipelines.dlt_postgres  # noqa: E402
import pipelines.registry  # noqa: E402
import pipelines.report.page as page  # noqa: E402
import pipelines.report.write  # noqa: E402
import pipelines.sync  # noqa: E402, F401
from pipelines.transform import Dbt  # noqa: E402
from pipelines.warm import PARSED  # noqa: E402


class _Compiled(jinja2.BytecodeCache):
    """What Jinja compiled, kept in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def _parse() -> None:
    """Parse and rehearse for both engines; neither opens a database, they are told of one that is never there."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as directory:
        targets = (
            Target("duckdb", path=Path(directory) / "guidelight.duckdb"),
            Target("postgres", parameters=(("dbname", "parsed"), ("host", directory), ("user", "postgres"))),
        )
        for target in targets:
            dbt = Dbt(target)
            dbt.rehearse()
            PARSED[target.engine] = dbt.manifest
    os.environ.clear()
    os.environ.update(before)


def _compile_docs() -> None:
    """Have Jinja compile the templates of the report, and of Data Docs, which is done anew for each page of those."""
    view.Environment = partial(view.Environment, bytecode_cache=_Compiled())  # type: ignore[misc]
    for environment in (view.DefaultJinjaPageView().env, page.environment()):
        for name in environment.list_templates(extensions=["j2", "html"]):
            environment.get_template(name)


_parse()
_compile_docs()

# What is here now stays: the collector of a forked process need not walk through it, nor copy its pages.
gc.freeze()
