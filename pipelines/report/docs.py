"""`make docs`: pages that describe the data, as it is now: dbt docs and Data Docs, with an index of both in build/docs.

`python -m pipelines.report.docs`: exit status 0; 2 where there is no database to describe, 1 where it can't be read.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipelines import store
from pipelines.check import last_metrics
from pipelines.configure import configured
from pipelines.console import say, tell_error
from pipelines.database import connect
from pipelines.errors import ConfigurationError, GuidelightError, SyncFailed
from pipelines.expectations import expectations
from pipelines.parsed import PROJECT
from pipelines.report.page import index
from pipelines.settings import Target, build_directory, point_dbt_at, quiet_libraries, target
from pipelines.staging import reading

_FLAGS = ("--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-version-check")

_PAGES = {
    "dbt docs": ("dbt/index.html", "every model, column and test, and how they follow from each other"),
    "Data Docs": ("../data_docs/index.html", "what the checks expect of the products, and what they found"),
    "The report": ("../report/index.html", "how fresh the menu is, what the syncs did and what changed"),
}


def build(where: Target) -> Path:
    """Build the pages of a database and return the index.

    Raises ConfigurationError: no database of this release, no file can be written; SyncFailed: dbt or Great
    Expectations could not do it, with the reason.
    """
    directory = build_directory() / "docs"
    try:
        (directory / "dbt").mkdir(parents=True, exist_ok=True)
        _build_data_docs(where)
        _build_dbt_docs(where, directory / "dbt" / "index.html")
        pages = {name: page for name, page in _PAGES.items() if (directory / page[0]).is_file()}
        (directory / "index.html").write_text(index(pages), "utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The docs can't be written to {directory}: {error.strerror}. Make room there, or set GUIDELIGHT_BUILD"
        ) from error
    return directory / "index.html"


def _build_data_docs(where: Target) -> None:
    """What a sync does after its publish, of the products as they are now; nothing is recorded of it."""
    from pipelines.examine import examine

    with connect(where, read_only=True) as connection:
        wanted = {
            one.type: expectations(configured(one).checks, last_metrics(connection, one.id))
            for one in store.integrations(connection)
            if one.is_active
        }
    for source, each in wanted.items():
        examine(where, source, each)


def _build_dbt_docs(where: Target, page: Path) -> None:
    quiet_libraries()
    point_dbt_at(where)
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory(dir=page.parent) as directory, connect(where):
        paths = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", directory)
        result = dbtRunner().invoke(["docs", "generate", "--static", *paths, *_FLAGS])
        if not result.success:
            raise SyncFailed(f"dbt could not describe the database: {result.exception or 'its models do not compile'}")
        shutil.move(Path(directory) / "static_index.html", page)


def main() -> int:
    """Build the pages and say where they are."""
    try:
        with reading(None):
            where = target()
        say(str(build(where)))
    except GuidelightError as error:
        tell_error(error)
        return error.exit_status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
