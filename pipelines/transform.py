"""dbt: parse once, make the views when the release changes, publish one change set."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from models.check import IDS_KEPT, Found, Severity
from models.publish import Publish, as_yaml
from pipelines import lean_dbt
from pipelines.database import connect
from pipelines.errors import SyncFailed
from pipelines.library_log import of_dbt
from pipelines.parsed import PROJECT, parsed
from pipelines.settings import Target, build_directory, point_dbt_at, quiet_libraries

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_OURS = re.compile(r"""(?:Could not convert string '|type integer: ")guidelight: (?P<sentence>[^"'\n]+)""")
"""A sentence of our macros, where the databases quote the text that is no number; a product's text says nothing."""

_FLAGS = (
    "--quiet",
    "--log-level",
    "none",
    "--log-level-file",
    "none",
    "--no-write-json",
    "--no-use-colors",
    "--no-version-check",
)

_VIEWS = "views"
"""What a line of dbt's log belongs to that is of no sync."""

_NEEDED = ("macros/etc", "macros/generic_test_sql", "macros/materializations/tests", "macros/adapters")
"""Where dbt's own macros stand that a publish and its checks need."""

_CHECKS = {"check", "row"}
"""The tags of the tests that are checks."""

_UNLISTED = "--no-populate-cache"
"""Without a list of every schema's relations first: only what makes views asks which there are."""


def release() -> str:
    """This release: the version, and the first 12 digits of a hash over the dbt project, so that an edit counts."""
    files = sorted(path for path in PROJECT.rglob("*") if path.suffix in (".sql", ".csv"))
    content = b"".join(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes() for path in files)
    return f"{version('guidelight-sync')}+{hashlib.sha256(content).hexdigest()[:12]}"


def mapping_version(category_map: dict[str, str]) -> str:
    """Release and category map together (DESIGN.md, Tables): when it moves, contents are mapped anew."""
    spelled = json.dumps(category_map, sort_keys=True)
    return f"{release()}+{hashlib.sha256(spelled.encode()).hexdigest()[:8]}"


class Dbt:
    """dbt on one target, with the project parsed: importing and parsing take seconds, so each is done once.

    `log` is told what dbt logs of its acts, where that is wanted.
    """

    def __init__(
        self, target: Target, manifest: Manifest | None = None, log: Callable[[str], None] | None = None
    ) -> None:
        self.target = target
        self._log = log
        quiet_libraries()
        lean_dbt.spare_imports()
        lean_dbt.spare_each_act(target.engine)
        point_dbt_at(target)
        self.manifest = retargeted(manifest or parsed(target, self._parse), target)

    def _parse(self) -> Manifest:
        result = self._invoke(None, "parse", "--no-partial-parse")
        manifest: Manifest = result.result
        return manifest

    def rehearse(self) -> None:
        """Have dbt do beforehand what its first task would wait for: import that, read the project's settings, load
        the adapter, and compile the macros that a publish and its checks need, which it keeps by their text."""
        import dbt.task.run
        import dbt.task.test  # noqa: F401
        import dbt_common.clients.agate_helper  # noqa: F401

        self._invoke(self.manifest, "list", "--select", "products", "--output", "name")
        macros = self.manifest.macros.values()
        nodes: Any = self.manifest.nodes.values()
        lean_dbt.take_compiled(
            [one for one in macros if one.package_name == "guidelight" or one.original_file_path.startswith(_NEEDED)],
            [
                one
                for one in nodes
                if one.name == "products" or one.is_ephemeral_model or _CHECKS.intersection(one.tags)
            ],
        )

    def make_views(self) -> None:
        """Load category_map and make every view. Raises SyncFailed with dbt's reason."""
        self._invoke(self.manifest, "seed", "--full-refresh", of=_VIEWS)
        self._invoke(self.manifest, "run", "--exclude", "products", of=_VIEWS)

    def publish(self, wanted: Publish) -> None:
        """Run the one model of a sync. Raises SyncFailed when a statement failed: then nothing was written.

        A connection lost at commit raises too, although the publish may stand: only published_at tells.
        """
        self._invoke(
            self.manifest, "run", _UNLISTED, "--select", "products", "--vars", wanted.as_vars(), of=wanted.sync_log_id
        )

    def compile(self, wanted: Publish) -> dict[str, str]:
        """The SQL of the change set and of what surrounds it in a plan, by the names of the models and analyses.

        Raises SyncFailed with dbt's reason.
        """
        which = ["products", "plan_session", "plan_proof", "plan_digest"]
        result = self._invoke(
            self.manifest, "compile", _UNLISTED, "--select", *which, "--vars", wanted.as_vars(), of=wanted.sync_log_id
        )
        return {one.node.name: one.node.compiled_code for one in result.result.results}

    def test(self, wanted: Publish, max_age_hours: float) -> list[Found]:
        """Run the data tests of the checks on what this sync published; which rows fail is asked of those that do.

        Of one product those of single rows only.

        Raises SyncFailed when dbt could not run them.
        """
        told = as_yaml(json.loads(wanted.as_vars()) | {"max_age_hours": max_age_hours})
        which = "tag:check" if wanted.product is None else "tag:check,tag:row"
        words = ("test", _UNLISTED, "--select", which, "--vars", told)
        result = self._run(self.manifest, *words, of=wanted.sync_log_id, read_only=True)
        if result.exception is not None:
            raise SyncFailed(_reason(result))
        return [self._found(one) for one in result.result.results]

    def _found(self, result: Any) -> Found:
        node, meta = result.node, result.node.config.meta
        broken = result.status not in ("pass", "fail", "warn")
        rows = 0 if broken else int(result.failures or 0)
        ids: tuple[str, ...] = ()
        if rows:
            failing = f"select source_id from ({node.compiled_code}) as failing where source_id is not null"
            with connect(self.target, read_only=True) as connection:
                found = connection.rows(f"{failing} order by source_id limit {IDS_KEPT}")
            ids = tuple(row["source_id"] for row in found)
        counted = f"{rows:,} {meta['message']}" if ids else meta["message"].capitalize()
        return Found(
            node.name,
            Severity(meta["severity"]),
            passed=result.status == "pass",
            message=f"the check could not judge: {_first_line(str(result.message))}" if broken else counted,
            advice="This is a defect of the check, not of the products" if broken else meta["advice"],
            rows=rows,
            source_ids=ids,
            broken=broken,
        )

    def _invoke(self, manifest: Manifest | None, *words: str, of: UUID | str | None = None) -> Any:
        result = self._run(manifest, *words, of=of)
        if not result.success:
            raise SyncFailed(_reason(result))
        return result

    def _run(
        self, manifest: Manifest | None, *words: str, of: UUID | str | None = None, read_only: bool = False
    ) -> Any:
        from dbt.cli.main import dbtRunner

        paths = (
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(build_directory() / "dbt"),
        )
        heard = [] if self._log is None or of is None else [of_dbt(self._log, of)]
        fresh = None if manifest is None else _uncompiled(manifest)
        with (
            self._file_in_hand(read_only) if manifest is not None and words[0] != "list" else nullcontext(),
            nullcontext() if manifest is None else lean_dbt.unchecked(),
        ):
            try:
                return dbtRunner(manifest=fresh, callbacks=heard).invoke([*words, *paths, *_FLAGS])
            finally:
                self._close()

    @contextmanager
    def _file_in_hand(self, read_only: bool) -> Iterator[None]:
        """The DuckDB file while dbt works on it."""
        if self.target.engine == "postgres":
            yield
            return
        with connect(self.target, read_only=read_only) as connection, lean_dbt.over(cast(Any, connection.raw)):
            yield

    def _close(self) -> None:
        """Have dbt-duckdb let go of its cursor, which it keeps from act to act."""
        if self.target.engine == "duckdb":
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _uncompiled(manifest: Manifest) -> Manifest:
    """The manifest with copies of its nodes: dbt keeps what it compiled in them, with the vars of that run.

    The rest, some thousand macros, is shared, and so is what a node consists of: dbt only reads it, and copying it all
    takes longer than a usual publish.
    """
    shared = {one.name: getattr(manifest, one.name) for one in fields(manifest) if not one.name.startswith("_")}
    return type(manifest)(**shared | {"nodes": {name: _blank(node) for name, node in manifest.nodes.items()}})


def _blank(node: Any) -> Any:
    """A copy of a node, with lists of its own where dbt adds to those of a node."""
    blank = copy(node)
    own = {name: type(vars(node)[name])() for name in ("extra_ctes", "_event_status") if name in vars(node)}
    if hasattr(node, "depends_on"):
        own["depends_on"] = copy(node.depends_on)
        own["depends_on"].macros = [*node.depends_on.macros]
    vars(blank).update(own)
    return blank


def retargeted(manifest: Manifest, target: Target) -> Manifest:
    """A manifest that was parsed for another database of the same engine, with this one's name in it."""
    name = target.path.stem if target.path is not None else dict(target.parameters).get("dbname", "")
    for node in [*manifest.nodes.values(), *manifest.sources.values()]:
        old = node.database
        node.database = name
        if node.relation_name is not None and old:
            node.relation_name = node.relation_name.replace(f'"{old}"', f'"{name}"', 1)
    return manifest


def _reason(result: Any) -> str:
    """One line of dbt's answer: our own sentence where the SQL raised one, else the first line of the database's."""
    messages = [str(result.exception)] if result.exception else []
    if result.result is not None and hasattr(result.result, "results"):
        messages += [
            str(one.message) for one in result.result.results if one.message and one.status not in ("success", "pass")
        ]
    text = "\n".join(messages)
    ours = _OURS.search(text)
    if ours is not None:
        return ours["sentence"].strip()
    first = _first_line(text)
    # The operating system's word for one of dbt's own files: it comes without a name.
    return f"dbt can't write to {build_directory() / 'dbt'}: {first}" if first.startswith("[Errno") else first


def _first_line(text: str) -> str:
    """The first line that says something: dbt's own begin with the kind of error and the model."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Database Error", "Runtime Error", "Compilation Error"))]
    return (said or lines or ["dbt gave no reason"])[0][:500]
