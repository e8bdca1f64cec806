"""`guidelight` as its console script starts it, noting on the way when a publish was proven.

sync_logs.published_at is the start of the publishing transaction on both engines, and what a user waits for is its
end. The first argument is the file to note in, the rest is the command. Nothing is imported here that the command
would not import at that moment: its own start is part of what is measured.
"""

from __future__ import annotations

import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

_WHERE = "pipelines.store"


class Noting(MetaPathFinder):
    """Notes in a file time.time() of the moment at which the sync reads back that it was published."""

    def __init__(self, where: Path) -> None:
        self._where = where

    def find_spec(self, name: str, path: Any, target: object = None) -> ModuleSpec | None:
        """Of the module that reads it, one that notes when it does."""
        if name != _WHERE:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec is not None and spec.loader is not None
        loader: Any = spec.loader
        execute = loader.exec_module

        def executed(module: Any) -> None:
            execute(module)
            self.watch(module)

        loader.exec_module = executed
        return spec

    def watch(self, module: Any) -> None:
        """Note when this module reads it."""
        proven = module.published_at

        def noting(*arguments: Any) -> Any:
            moment = proven(*arguments)
            if moment is not None and not self._where.exists():
                self._where.write_text(str(time.time()))
            return moment

        module.published_at = noting


def note(where: Path) -> None:
    """Begin to note: at once where the module is imported already."""
    known = sys.modules.get(_WHERE)
    if known is None:
        sys.meta_path.insert(0, Noting(where))
    else:
        Noting(where).watch(known)


if __name__ == "__main__":
    note(Path(sys.argv[1]))
    from pipelines.cli import main

    main(sys.argv[2:])
