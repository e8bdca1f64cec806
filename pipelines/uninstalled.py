"""Hides packages from a library that would import them for nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder


@contextmanager
def uninstalled(*names: str) -> Iterator[None]:
    """As if these packages were not installed, in every thread; those that are imported already stay."""

    class Hidden(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name in names:
                raise ModuleNotFoundError(f"{name} is hidden here", name=name)

    finder = Hidden()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
