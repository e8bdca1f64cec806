"""A second source, a twin of Treez under a name of its own: registered by a test, for the processes that it prepares.

It brings what DESIGN.md asks of a source: an entry in SOURCES with its settings, a staging schema, a dbt folder.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pipelines.migrate import DIRECTORY
from pipelines.settings import target
from tests.shop import Shop

TWIN = "twin"

_MAPPED = "int_{}__mapped.sql"

_SQL = ("0006_staging_treez.sql", "0006_staging_treez.postgres.sql", "0009_dlt_tables.sql")
_STATISTICS = re.compile(r"create function staging_treez\.analyze_received\(\).*?end \$\$;", re.DOTALL)


def _renamed(text: str) -> str:
    """Its schema and its rows; what reads a record stays Treez's."""
    return text.replace("staging_treez", f"staging_{TWIN}").replace("'treez'", f"'{TWIN}'")


def project(directory: Path) -> Path:
    """Our dbt project, with the twin's folder and model in it."""
    from pipelines.transform import PROJECT

    made = directory / "dbt_project"
    shutil.copytree(PROJECT, made, ignore=shutil.ignore_patterns("*unit_tests*", "logs"))
    models = made / "models"
    mapped = (models / "changes" / _MAPPED.format("treez")).read_text()
    (models / "changes" / _MAPPED.format(TWIN)).write_text(_renamed(mapped))
    staging = models / "staging" / TWIN
    staging.mkdir()
    sources = (models / "staging" / "treez" / "_treez__sources.yml").read_text()
    (staging / f"_{TWIN}__sources.yml").write_text(_renamed(sources).replace("- name: treez\n", f"- name: {TWIN}\n"))
    configuration = made / "dbt_project.yml"
    configuration.write_text(configuration.read_text().replace("sources: [treez]", f"sources: [treez, {TWIN}]"))
    return made


def stage(shop: Shop) -> None:
    """Make its staging schema, as a migration of its own would."""
    script = "\n".join((DIRECTORY / name).read_text() for name in _SQL)
    statistics = _STATISTICS.search((DIRECTORY / "0009_sync_role.postgres.sql").read_text())
    assert statistics is not None
    with shop.connection() as connection:
        connection.script(_renamed(f"{script}\n{statistics[0]}"))


def add(shop: Shop, base_url: str) -> str:
    """Register a shop of the twin's, with the settings of the one of Treez; returns its id."""
    (row,) = shop.rows(
        "insert into integrations (type, name, config) "
        "select $type, 'Twin - Main Store', config || jsonb_build_object('base_url', cast($base_url as text)) "
        "from integrations where type = 'treez' returning id",
        type=TWIN,
        base_url=base_url,
    )
    return str(row["id"])


def register(made: Path, url: str) -> None:
    """In a process that is about to run a command: both sources are known, and dbt's project is the one with both."""
    from models import integration
    from pipelines import sources, transform
    from pipelines.warm import PARSED

    sources.SOURCES[TWIN] = sources.SOURCES["treez"]
    integration.SETTINGS[TWIN] = integration.SETTINGS["treez"]
    integration.SECRETS[TWIN] = integration.SECRETS["treez"]
    transform.PROJECT = made
    # dbt's static parser hangs in a process that was forked from one in which it has run.
    transform._FLAGS = (*transform._FLAGS, "--no-static-parser")
    where = target(url)
    PARSED[where.engine] = transform.Dbt(where).manifest
