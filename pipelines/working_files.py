"""Where a sync's files stand on their way into staging, and what is said where there is no room for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import SyncFailed


@contextmanager
def working_directory() -> Iterator[str]:
    """A directory for one sync's files, removed at its end. Raises SyncFailed where the machine has no room for it."""
    try:
        with tempfile.TemporaryDirectory(prefix="guidelight-") as directory:
            yield directory
    except OSError as error:
        raise unwritten(error) from error


def unwritten(error: OSError) -> SyncFailed:
    """That the machine has no room for the files of a load."""
    place = error.filename or tempfile.tempdir
    where = "" if place is None else f" in {place}"
    return SyncFailed(
        f"The working files of a sync can't be written{where}: {error.strerror or error}. "
        "Make room there, or set TMPDIR to another directory"
    )
