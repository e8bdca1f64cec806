"""Hides packages from a library that would import them for nothing."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


def uninstall(*names: str) -> None:
    """From now on as if these packages were not installed, in this process; those that are imported already stay."""

    class Hidden(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name in names:
                raise ModuleNotFoundError(f"{name} is hidden here", name=name)

    sys.meta_path.insert(0, Hidden())
