"""Great Expectations over the products of one source, pushed down in the database; Data Docs beside it."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.exc import SQLAlchemyError

from models.check import IDS_KEPT, Expectation, Found, Severity
from pipelines import lean_gx
from pipelines.errors import SyncFailed
from pipelines.plain import first_line
from pipelines.settings import Target, build_directory, quiet_libraries
from pipelines.templates import Compiled

quiet_libraries()
lean_gx.spare_imports()

import great_expectations as gx  # noqa: E402
import great_expectations.expectations as gxe  # noqa: E402
from great_expectations.data_context.types.base import (  # noqa: E402
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.interfaces import GxDatasourceWarning  # noqa: E402
from great_expectations.render.view import view  # noqa: E402

if TYPE_CHECKING:
    from great_expectations.checkpoint.checkpoint import CheckpointResult

lean_gx.spare_each_examination()

# What it can't do comes back as a broken expectation: its log would put the traceback on standard error too.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

# It compiles its fifty templates anew for each page of Data Docs.
_VIEWS: Any = view
_VIEWS.Environment = partial(_VIEWS.Environment, bytecode_cache=Compiled(f"gx-{gx.__version__}"))

_COLUMNS = "source_id, price_retail, price_sale, thc_percent, cbd_percent, image_url"
_DIALECT = "guidelight_duckdb"

_FRESH = "data_docs-"
"""What a folder of Data Docs is called until it is whole."""

_LEFT = 3600.0
"""Seconds after which nobody writes to it any more."""

registry.register(_DIALECT, "pipelines.duckdb_dialect", "Dialect")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is judged: a source's products, or one of them."""

    target: Target
    source: str
    product: str | None

    def query(self, is_active_only: bool) -> str:
        schema = "main" if self.target.engine == "duckdb" else "public"
        conditions = [f"source = '{self.source}'", "source_id is not null"]
        if is_active_only:
            conditions.append("is_active")
        if self.product is not None:
            # As a digest: Great Expectations hands a query on as text, in which a colon begins a parameter.
            digest = hashlib.md5(self.product.encode(), usedforsecurity=False).hexdigest()
            conditions.append(f"md5(source_id) = '{digest}'")
        return f"select {_COLUMNS} from {schema}.products where {' and '.join(conditions)}"


def examine(target: Target, source: str, wanted: list[Expectation], product: str | None = None) -> list[Found]:
    """Judge the products of a source and build Data Docs to build/data_docs; or judge one product only.

    First only whether each expectation holds: which rows fail is asked only of those that don't, since fetching them
    was half of the time although nothing failed (STACK.md). An expectation that raises is `broken`.
    Raises SyncFailed when the database is gone, or no file can be written; ConfigurationError for a DuckDB file that
    another process keeps open.
    """
    try:
        return _examined(target, source, wanted, product)
    except (SQLAlchemyError, OSError) as error:
        raise SyncFailed(first_line(error)[:300]) from error


def _examined(target: Target, source: str, wanted: list[Expectation], product: str | None) -> list[Found]:
    # Nothing but memory, and no site of docs beside ours.
    memory = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(), progress_bars=ProgressBarsConfig(globally=False)
    )
    context = gx.get_context(mode="ephemeral", project_config=memory)
    with warnings.catch_warnings():
        # Its own Postgres source takes no URL with a socket in it.
        warnings.simplefilter("ignore", GxDatasourceWarning)
        database: Any = context.data_sources.add_sql(name="guidelight", connection_string=_url(target))
    try:
        rows = _Rows(target, source, product)
        _describe_only(database.get_execution_engine().engine, rows)
        first = _run(context, database, rows, wanted, {"result_format": "BOOLEAN_ONLY"})
        judged = _judged(first, wanted)
        failing = [one for one in wanted if not judged[one.name]["success"]]
        if failing:
            details = {
                "result_format": "SUMMARY",
                "unexpected_index_column_names": ["source_id"],
                "partial_unexpected_count": IDS_KEPT,
            }
            judged |= _judged(_run(context, database, rows, failing, details), failing)
    finally:
        # Two engines stay open on the file otherwise, and nobody else could write to it.
        database.get_execution_engine().close()
        database.get_engine().dispose()
    unwritten = [] if product is not None else _written(context, build_directory() / "data_docs")
    return [*(_found(one, judged[one.name]) for one in wanted), *unwritten]


def _describe_only(engine: Engine, rows: _Rows) -> None:
    """Great Expectations asks which columns a query has by running it as it stands, and gets every row: here none."""
    whole = {rows.query(is_active_only) for is_active_only in (False, True)}

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def shortened(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> tuple[str, Any]:
        return (f"{statement} limit 0" if statement in whole else statement), parameters


def _run(
    context: Any, database: Any, rows: _Rows, wanted: list[Expectation], result_format: dict[str, Any]
) -> CheckpointResult:
    definitions = []
    for is_active_only in (False, True):
        chosen = [one for one in wanted if one.active_only is is_active_only]
        if not chosen:
            continue
        name = ("active products" if is_active_only else "products") + f" ({result_format['result_format'].lower()})"
        asset = database.add_query_asset(name=name, query=rows.query(is_active_only))
        suite = gx.ExpectationSuite(name=f"{rows.source}: {name}")
        for one in chosen:
            suite.add_expectation(getattr(gxe, one.kind)(**one.arguments, meta={"check": one.name}))
        definition = gx.ValidationDefinition(
            name=f"{rows.source}: {name}",
            data=asset.add_batch_definition_whole_table("all"),
            suite=context.suites.add(suite),
        )
        definitions.append(context.validation_definitions.add(definition))
    checkpoint = gx.Checkpoint(
        name=result_format["result_format"], validation_definitions=definitions, result_format=result_format
    )
    return context.checkpoints.add(checkpoint).run()  # type: ignore[no-any-return]


def _judged(result: CheckpointResult, wanted: list[Expectation]) -> dict[str, Any]:
    """Each expectation's result by the check's name; one that Great Expectations lost is broken, never passed."""
    found = {
        one.expectation_config.meta["check"]: one.to_json_dict()
        for validation in result.run_results.values()
        for one in validation.results
        if one.expectation_config is not None and one.expectation_config.meta
    }
    lost = {"success": False, "result": {}, "exception_info": {"exception_message": "no result"}}
    return {one.name: found.get(one.name, lost) for one in wanted}


def _found(expectation: Expectation, judged: dict[str, Any]) -> Found:
    raised = _exception(judged.get("exception_info") or {})
    result = judged["result"]
    rows = int(result.get("unexpected_count") or 0)
    ids = tuple(str(row["source_id"]) for row in result.get("partial_unexpected_index_list") or [])
    observed = result.get("observed_value")
    message = expectation.message.format(
        rows=f"{rows:,}", observed=f"{observed:,}" if isinstance(observed, int) else ""
    )
    return Found(
        expectation.name,
        expectation.severity,
        passed=bool(judged["success"]),
        message=message if raised is None else f"the check could not judge: {raised}",
        advice=expectation.advice if raised is None else "This is a defect of the check, not of the products",
        rows=rows,
        source_ids=ids[:IDS_KEPT],
        broken=raised is not None,
    )


def _exception(info: dict[str, Any]) -> str | None:
    """Great Expectations tells an exception at the top, or once a metric."""
    for one in (info, *(value for value in info.values() if isinstance(value, dict))):
        message = one.get("exception_message")
        if message:
            return str(message).strip().splitlines()[0][:300]
    return None


def _url(target: Target) -> str:
    if target.path is not None:
        url = URL.create(_DIALECT, database=str(target.path))
    else:
        known = dict(target.parameters)
        rest = {key: value for key, value in known.items() if key not in ("user", "password", "dbname")}
        url = URL.create(
            "postgresql+psycopg2", known.get("user"), known.get("password"), database=known.get("dbname"), query=rest
        )
    return url.render_as_string(hide_password=False)


def _written(context: Any, wanted: Path) -> list[Found]:
    """Make the docs; that they can't be written is a warning, not a reason to lose what was judged."""
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        _clear(wanted.parent)
        fresh = Path(tempfile.mkdtemp(prefix=_FRESH, dir=wanted.parent))
        try:
            context.add_data_docs_site(site_name="checks", site_config=_site(fresh))
            context.build_data_docs()
            _require_whole(context, fresh)
            _put_in_place(fresh, wanted)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        message = f"Data Docs could not be written to {wanted}: {error.strerror or first_line(error)}"
        return [Found("data_docs", Severity.WARNING, passed=False, message=message, advice="Set GUIDELIGHT_BUILD")]
    return []


def _clear(build: Path) -> None:
    """Remove what an examination left that was killed while it wrote."""
    for left in build.glob(f"{_FRESH}*"):
        if time.time() - left.stat().st_mtime > _LEFT:
            shutil.rmtree(left, ignore_errors=True)


def _require_whole(context: Any, made: Path) -> None:
    """Raise OSError unless there is a page of each suite and result: Great Expectations tells nobody of one it lost."""
    wanted = len(list(context.suites.all())) + len(context.validation_results_store.list_keys())
    pages = [page for page in made.rglob("*.html") if page.stat().st_size and page != made / "index.html"]
    if len(pages) < wanted:
        raise OSError(f"{wanted - len(pages)} of its {wanted} pages are missing")


def _site(directory: Path) -> Any:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory)},
    }


def _put_in_place(made: Path, wanted: Path) -> None:
    """Replace the folder as a whole: two syncs that end together each leave a whole one."""
    shutil.rmtree(wanted, ignore_errors=True)
    try:
        made.rename(wanted)
    except OSError:
        if not wanted.is_dir():
            raise
        # Another sync put its own there in between.
