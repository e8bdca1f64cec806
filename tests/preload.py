"""What the forkserver imports and parses once, so that what it forks is warm (STACK.md, Warm processes)."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

from pipelines import lean_gx
from pipelines.settings import Target, quiet_libraries

quiet_libraries()
lean_gx.spare_imports()

import dbt.cli.main  # noqa: E402, F401
import great_expectations.expectations  # noqa: E402, F401
import rich.table  # noqa: E402, F401
from great_expectations.render.view.view import DefaultJinjaPageView  # noqa: E402

import pipelines.cli  # noqa: E402
import pipelines.command_sync  # noqa: E402
import pipelines.duckdb_dialect  # noqa: E402
import pipelines.examine  # noqa: E402
import pipelines.registry  # noqa: E402
import pipelines.report.page as page  # noqa: E402
import pipelines.report.write  # noqa: E402
import pipelines.sync  # noqa: E402, F401
from pipelines.load import import_dlt  # noqa: E402
from pipelines.transform import Dbt  # noqa: E402
from pipelines.warm import PARSED  # noqa: E402


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
    """Have Jinja compile the templates of the report and of Data Docs: what is forked has them in memory."""
    for environment in (DefaultJinjaPageView().env, page.environment()):
        for name in environment.list_templates(extensions=["j2", "html"]):
            environment.get_template(name)


for engine in ("duckdb", "postgres"):
    import_dlt(engine)
_parse()
_compile_docs()

# What is here now stays: the collector of a forked process need not walk through it, nor copy its pages.
gc.freeze()
