"""Where a sync's files stand on their way into staging, and what is said where there is no room for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import SyncFailed


@contextmanager
def working_directory(within: str | None = None) -> Iterator[str]:
    """A directory for files of one sync, removed at its end as far as it can be; `within` another one, else where the
    machine keeps such. Raises SyncFailed where there is no room for it."""
    try:
        made = tempfile.TemporaryDirectory(prefix="guidelight-", dir=within, ignore_cleanup_errors=True)
    except OSError as error:
        raise unwritten(error, within or tempfile.tempdir) from error
    with made as directory:
        yield directory


def unwritten(error: OSError, place: str | None) -> SyncFailed:
    """That the machine has no room for the files of a load at that place, where none is named by the error."""
    place = error.filename or place
    where = "" if place is None else f" in {place}"
    return SyncFailed(
        f"The working files of a sync can't be written{where}: {error.strerror or error}. "
        "Make room there, or set TMPDIR to another directory"
    )
