"""Writes the page: `guidelight report`, and every sync when it has ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from pipelines.database import connect
from pipelines.errors import ConfigurationError, GuidelightError
from pipelines.report.gather import gather
from pipelines.report.page import render
from pipelines.report.told import Report
from pipelines.settings import Target, build_directory
from pipelines.staging import reading

_PATIENCE = 5.0
"""Seconds that a sync waits at its end for a DuckDB file that another process holds: the next one writes the page."""

_BESIDE = {"Data Docs: what the checks looked at": "data_docs/index.html", "dbt docs": "docs/index.html"}


def written(database: str | None, output: Path | None) -> dict[str, Any]:
    """Write the page of a database to a file, build/report/index.html where none is named; return what it says.

    Raises ConfigurationError: no database of this release, no file can be written there.
    """
    path = (output or _place()).absolute()
    with reading(database) as connection:
        report = gather(connection)
    try:
        size = _write(path, report)
    except OSError as error:
        raise ConfigurationError(
            f"The report can't be written to {path}: {error.strerror}. Make room there, or choose another file with "
            "--output"
        ) from error
    return {"path": str(path), "bytes": size, "written_at": report.written_at, "integrations": _in_brief(report)}


def renew(target: Target, tell: Callable[[str], None]) -> None:
    """Write the page after a sync. That it can't be written is said, and changes nothing of how the sync ended."""
    try:
        with connect(target, read_only=True, patience=_PATIENCE) as connection:
            report = gather(connection)
        _write(_place(), report)
    except (GuidelightError, TemplateError, OSError) as error:
        tell(f"the report was not renewed: {error}. Run `guidelight report` for it")


def _place() -> Path:
    return build_directory() / "report" / "index.html"


def _write(path: Path, report: Report) -> int:
    """Put the page in place whole, so that nobody reads half of one; return its bytes."""
    content = render(report, _links(path)).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return len(content)


def _links(path: Path) -> dict[str, str]:
    """The pages that stand beside it in build/: a page elsewhere is to be handed on, and links to none."""
    build = build_directory()
    if not path.is_relative_to(build):
        return {}
    return {
        what: os.path.relpath(build / place, path.parent)
        for what, place in _BESIDE.items()
        if (build / place).is_file()
    }


def _in_brief(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "name": shop.health["name"],
            "source": shop.health["source"],
            "state": shop.health["state"],
            "last_good_sync_at": shop.health["last_good_sync_at"],
            "active": shop.standing.active,
            "unconfirmed": shop.standing.unconfirmed,
        }
        for shop in report.shops
    ]
