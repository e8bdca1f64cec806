"""Leaves out what dbt does at every start for a project that it doesn't know: ours was checked when it was parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import Macro


def spare_imports() -> None:
    """Before dbt is imported: mashumaro generates code for its own classes of JSON schemas when they are used, as it
    does for dbt's, and not at once."""
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True


def spare_each_act() -> None:
    """dbt goes through its whole call stack for each of five flags, at each act, to name in a warning that is not shown
    who set it: in a process with all libraries loaded that took a tenth of a second. And it looks through everything
    that is installed for plugins, a fiftieth; we have none."""
    from dbt.plugins.manager import PluginManager
    from dbt_common.behavior_flags import BehaviorFlagRendered

    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]
    PluginManager.get_prefixed_modules = classmethod(lambda _: {})  # type: ignore[assignment,method-assign]


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


def take_compiled(macros: Sequence[Macro]) -> None:
    """Have the macros' templates where dbt looks for them, as Jinja compiled them once for this release."""
    from dbt_common.clients.jinja import get_environment, template_cache
    from jinja2 import DictLoader

    from pipelines.templates import Compiled

    environment = get_environment()
    environment.bytecode_cache = Compiled(f"dbt-common-{version('dbt-common')}")
    environment.loader = DictLoader({macro.unique_id: macro.macro_sql for macro in macros})
    for macro in macros:
        template_cache.file_cache[macro.macro_sql] = environment.get_template(macro.unique_id)
