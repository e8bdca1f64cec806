"""Leaves out what dbt does at every start for a project that it doesn't know: ours was checked when it was parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import Macro, ManifestSQLNode
    from duckdb import DuckDBPyConnection

_CODE: dict[str, CodeType] = {}
"""By their text: models and tests as Jinja compiled them."""


def spare_imports() -> None:
    """Before dbt is imported: mashumaro generates code for its own classes of JSON schemas when they are used, as it
    does for dbt's, and not at once."""
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True


def spare_each_act(engine: str) -> None:
    """dbt goes through its whole call stack for each of five flags, at each act, to name in a warning that is not shown
    who set it: in a process with all libraries loaded that took a tenth of a second. It looks through everything that
    is installed for plugins, a fiftieth; we have none. It asks which schemas there are, and makes those that it misses,
    over connections of their own: an act that lists no relations (--no-populate-cache) makes none. And dbt-duckdb looks
    whether two models at a time would be in each other's way, by their foreign keys: ours run one by one."""
    from dbt.plugins.manager import PluginManager
    from dbt.task.run import RunTask
    from dbt_common.behavior_flags import BehaviorFlagRendered

    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]
    PluginManager.get_prefixed_modules = classmethod(lambda _: {})  # type: ignore[assignment,method-assign]
    RunTask.create_schemas = _where_relations_are_listed(RunTask.create_schemas)  # type: ignore[method-assign]
    if engine == "duckdb":
        from dbt.adapters.duckdb.impl import DuckDBAdapter

        DuckDBAdapter._acquire_foreign_key_lock = lambda *_: False  # type: ignore[method-assign]


def _where_relations_are_listed(create_schemas: Any) -> Any:
    if hasattr(create_schemas, "__wrapped__"):
        return create_schemas

    @wraps(create_schemas)
    def created(task: Any, *arguments: Any) -> None:
        if task.args.populate_cache:
            create_schemas(task, *arguments)

    return created


@contextmanager
def unchecked() -> Iterator[None]:
    """For a project that was parsed as it stands: dbt makes seven JSON schemas, a third of a second at the first act,
    to check its settings once more, and those of a connection, which the database has taken already."""
    from dbt_common.dataclass_schema import dbtClassMixin

    owner: Any = dbtClassMixin
    validate = vars(owner)["validate"]
    owner.validate = classmethod(lambda _, data: None)
    try:
        yield
    finally:
        owner.validate = validate


@contextmanager
def over(raw: DuckDBPyConnection) -> Iterator[None]:
    """Have dbt-duckdb work over a connection of ours, with cursors of it. It waits for a file that others hold twice as
    long from try to try, and a busy reader outlasts it; and it would make a DuckDB for it."""
    from dbt.adapters.duckdb.environments.local import LocalEnvironment

    [[name]] = raw.execute("select current_database()").fetchall()
    use = 'use "{}"'.format(name.replace('"', '""'))
    owner: Any = LocalEnvironment
    owner.initialize_db = classmethod(lambda *_: raw.cursor())
    owner.initialize_cursor = classmethod(lambda _, credentials, cursor, *__: cursor.execute(use))
    try:
        yield
    finally:
        del owner.initialize_db, owner.initialize_cursor


def take_compiled(macros: Sequence[Macro], nodes: Sequence[ManifestSQLNode]) -> None:
    """Have the templates of macros, models and tests where dbt looks for them, as Jinja compiled them once for this
    release. dbt compiles each text anew that is no macro's, a twentieth of a second for the model of a publish."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment, get_environment, template_cache
    from jinja2 import DictLoader

    from pipelines.templates import Compiled

    environment = get_environment()
    environment.bytecode_cache = cache = Compiled(f"dbt-common-{version('dbt-common')}")
    environment.loader = DictLoader({macro.unique_id: macro.macro_sql for macro in macros})
    for macro in macros:
        template_cache.file_cache[macro.macro_sql] = environment.get_template(macro.unique_id)
    for node in nodes:
        bucket = cache.get_bucket(environment, node.unique_id, None, node.raw_code)
        if bucket.code is None:
            bucket.code = environment.compile(node.raw_code)
            cache.set_bucket(bucket)
        _CODE[node.raw_code] = bucket.code
    if not hasattr(MacroFuzzEnvironment.compile, "__wrapped__"):
        MacroFuzzEnvironment.compile = _known(MacroFuzzEnvironment.compile)  # type: ignore[method-assign]


def _known(compile_: Any) -> Any:
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    @wraps(compile_)
    def known(environment: Any, source: Any, *arguments: Any, **named: Any) -> Any:
        # What renders to Python's values and not to text is compiled to other code.
        code = _CODE.get(source) if type(environment) is MacroFuzzEnvironment and isinstance(source, str) else None
        return compile_(environment, source, *arguments, **named) if code is None else code

    return known
