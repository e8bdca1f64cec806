"""Standard output for what a command prints, and for nothing else: what a library says there goes to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def open_what_is_closed() -> None:
    """Give a program that was started without one of its standard files (`2>&-`) an empty one: else the next file that
    it opens, a database perhaps, takes that number, and whoever writes a message writes into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


@contextmanager
def ours_alone() -> Iterator[None]:
    """While a command runs. DuckDB writes how far a long query is straight to file 1, in front of our JSON (2.0.0).

    The processes that are started meanwhile have what this one has. Nothing is done where one of the two is no file.
    """
    before = sys.stdout
    try:
        before.flush()
        number, errors = before.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        yield
        return
    kept = os.dup(number)
    ours = os.fdopen(kept, "w", encoding=before.encoding, errors=before.errors)
    os.dup2(errors, number)
    sys.stdout = ours
    try:
        yield
        ours.flush()
    finally:
        sys.stdout = before
        os.dup2(kept, number)
        # Whoever read it is gone, perhaps; what went wrong before that is what has to be told.
        with suppress(OSError):
            ours.close()
