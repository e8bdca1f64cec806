"""Leaves out what Great Expectations does at every start, and each time, for files, plots and engines not used here."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_USED_LATER = ("scipy.stats", "altair")
"""A third of the import: distributions and plots, for expectations that we don't use (STACK.md)."""

_SOURCES = "great_expectations.datasource.fluent"
_NEVER_USED = (
    *(
        f"{engine}_{files}datasource"
        for engine in ("pandas", "spark")
        for files in ("", "file_path_", "filesystem_", "dbfs_", "s3_", "google_cloud_storage_", "azure_blob_storage_")
    ),
    "fabric",
    "fabric_datasource",
)
"""Half a second: a class for each of pandas' readers of files, for four clouds. Ours is SQL (`add_sql`)."""


class _LoadedWhenUsed(ModuleType):
    """Stands in sys.modules for a module, which is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        # The import system and `inspect` ask every module for such names.
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _LeftOut(ModuleType):
    """Stands in sys.modules for a module of sources: each has a name and nothing else, and no context knows it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


def spare_imports() -> None:
    """Before Great Expectations is imported; what is imported already stays."""
    for name in _USED_LATER:
        sys.modules.setdefault(name, _LoadedWhenUsed(name))
    for name in _NEVER_USED:
        sys.modules.setdefault(f"{_SOURCES}.{name}", _LeftOut(f"{_SOURCES}.{name}"))


def spare_each_examination() -> None:
    """Six times an examination Great Expectations writes its configuration as YAML, to a store in memory that nobody
    reads: a tenth of what it does."""
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

    owner: Any = EphemeralDataContext
    owner._save_project_config = lambda _: None
