"""Standard output for what a command prints, and for nothing else: what a library says there goes to standard error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ours_alone() -> Iterator[None]:
    """While a command runs. DuckDB writes how far a long query is straight to file 1, in front of our JSON (2.0.0).

    The processes that are started meanwhile have what this one has. Nothing is done where sys.stdout is no file.
    """
    before = sys.stdout
    try:
        before.flush()
        number = before.fileno()
    except (OSError, ValueError, io.UnsupportedOperation):
        yield
        return
    kept = os.dup(number)
    with os.fdopen(kept, "w", encoding=before.encoding, errors=before.errors) as ours:
        os.dup2(sys.stderr.fileno(), number)
        sys.stdout = ours
        try:
            yield
        finally:
            sys.stdout = before
            ours.flush()
            os.dup2(kept, number)
