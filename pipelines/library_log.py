"""What dbt and dlt log, told line by line, each with what it belongs to before it: what --verbose adds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from pipelines.plain import plain

Tell = Callable[[str], None]

_LEVELS = ("info", "warn", "error")
"""Of dbt's events those that it prints itself. Those of debug hold whole statements, and what a shop said in them."""


_STATEMENT = "CompiledNode"
"""The event by which dbt prints a whole compiled statement, which a plan asks for."""


def begins(belongs_to: UUID | str) -> str:
    """What stands before each line of a sync, `[1a2b3c4d] `, or of what belongs to none, `[views] `."""
    return f"[{str(belongs_to)[:8]}] "


def of_dbt(tell: Tell, belongs_to: UUID | str) -> Callable[[Any], None]:
    """What dbt is to call with each of its events (dbtRunner, callbacks)."""

    def heard(event: Any) -> None:
        if event.info.level in _LEVELS and event.info.name != _STATEMENT:
            _told(tell, f"{begins(belongs_to)}dbt: ", event.info.msg)

    return heard


def tell_of_dlt(tell: Tell) -> None:
    """From now on what dlt logs is told. To be asked for once dlt has set its logger up, which quiets it."""
    logger = logging.getLogger("dlt")
    logger.handlers[:] = [_Handler(tell)]
    logger.setLevel(logging.INFO)


class _Handler(logging.Handler):
    """Tells a record's message without its exception: that is raised, and told as an error."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        _told(self._tell, "dlt: ", record.getMessage())


def _told(tell: Tell, before: str, message: str) -> None:
    for line in message.splitlines():
        if line.strip():
            tell(f"{before}{plain(line)}")
