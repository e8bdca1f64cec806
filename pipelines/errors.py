"""The errors, named by what to do about them.

GuidelightError
├── ConfigurationError      exit 2: change the command, the integration or the database's settings
├── TurnRefused             exit 4: that source is already syncing; wait, or look at who has the turn
├── SourceError             exit 1: the source can't be read now
│   ├── SourceRefused  the key or the dispensary is refused: no retry helps
│   └── PageError           one page can't be had: the sync goes on, its listing is incomplete
├── DatabaseFailed          exit 1: the database gave up in the middle of something; run it again
└── SyncFailed              exit 1: nothing was published; the message says why and what to do

Interrupted                 exit 130 or 143: a signal asked us to stop

Each message is one line: what failed, with which value, and what to do next. None holds a secret, and what a source
said gives no orders to a terminal (plain.py).
"""

from __future__ import annotations

import signal
import threading

from pipelines.plain import plain


class GuidelightError(Exception):
    """The root of all errors that this project raises on purpose."""

    exit_status = 1
    sync_log_id: str | None = None
    """The sync that it is about, where there is one."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class ConfigurationError(GuidelightError):
    """Wrong use or configuration: nothing was begun, nothing was changed."""

    exit_status = 2


class TurnRefused(GuidelightError):
    """Another sync of the same source is running: the one that `sync_log_id` names, where it is known."""

    exit_status = 4

    def __init__(self, message: str, sync_log_id: str | None = None) -> None:
        super().__init__(message)
        self.sync_log_id = sync_log_id


class SourceError(GuidelightError):
    """The source can't be read: it is down, or answers what is no answer."""


class SourceRefused(SourceError):
    """The source won't be read: it refuses the key, doesn't know the shop, or lets nobody read."""


class PageError(SourceError):
    """One page of the listing could not be had; `page` is its number."""

    def __init__(self, message: str, page: int | None = None) -> None:
        super().__init__(message)
        self.page = page


class DatabaseFailed(GuidelightError):
    """A statement failed, or the connection was lost: what was not committed is as it was."""


class SyncFailed(GuidelightError):
    """The sync ended before its publish, and `products` is as it was."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. No Exception: a library's broad except would swallow it, and the sync go on.

    Who catches it to end what was under way sets `heeded`; until then it is raised again now and then.
    """

    sync_log_id: str | None = None

    def __init__(self, signum: int, heeded: threading.Event) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.exit_status = 128 + signum
        self.heeded = heeded
