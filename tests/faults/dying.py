"""Where a command dies by SIGKILL, all of its processes at once: called in its own process before it begins."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tests.warm import until

OF_THE_PUBLISH = "guidelight_changes"
"""A table that only the publish makes: from there on a commit is the publish's."""


def grouped() -> None:
    """Make this process the first of a group of its own: its children join it, and one signal reaches them all."""
    os.setpgid(0, 0)


def before(module: str, name: str) -> None:
    """Die where a function of a module would begin."""
    grouped()
    owner = importlib.import_module(module)
    assert callable(getattr(owner, name))
    setattr(owner, name, _die)


def after(module: str, name: str) -> None:
    """Die where a function of a module has returned, its answer not yet used."""
    grouped()
    owner = importlib.import_module(module)
    original = getattr(owner, name)

    def last(*given: Any, **named: Any) -> NoReturn:
        original(*given, **named)
        _die()

    setattr(owner, name, last)


def before_statement(words: str) -> None:
    """Die in the publish, where dbt would send the statement that begins with such words, or the commit."""
    _in_the_publish(words, sent=False)


def after_statement(words: str) -> None:
    """Die in the publish, where the database has answered such a statement, or the commit."""
    _in_the_publish(words, sent=True)


def _in_the_publish(words: str, *, sent: bool) -> None:
    # dbt's process is forked from this one, and has what is put in place here.
    from dbt.adapters.sql.connections import SQLConnectionManager

    grouped()
    original: Callable[..., Any] = SQLConnectionManager.add_query
    has_begun = False

    def add_query(self: Any, sql: str, *given: Any, **named: Any) -> Any:
        nonlocal has_begun
        has_begun = has_begun or OF_THE_PUBLISH in sql
        is_it = has_begun and " ".join(sql.split()).replace('"', "").rpartition("*/ ")[2].lower().startswith(words)
        if is_it and not sent:
            _die()
        answer = original(self, sql, *given, **named)
        if is_it:
            _die()
        return answer

    SQLConnectionManager.add_query = add_query


def parent_asks_and_dies() -> None:
    """The parent dies once it has asked for the publish; dbt's process, stopped before, hears of it only then."""
    from pipelines.warm import Warm

    def publish(self: Any, wanted: Any) -> NoReturn:
        os.kill(self._dbt._process.pid, signal.SIGSTOP)
        self._dbt._pipe.send(("publish", (wanted,)))
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it outlived SIGKILL")

    Warm.publish = publish  # type: ignore[method-assign]


def members(group: int) -> list[int]:
    """The processes of a group that run: a zombie doesn't."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, _, of_group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_group) == group and state not in ("Z", "X"):
            found.append(int(entry.name))
    return found


def kill_group(group: int) -> None:
    """SIGKILL for every process of a group, at once, and no wait for a child's end but the kernel's."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
    until(lambda: not members(group), "the killed processes are gone")


def _die(*_given: Any, **_named: Any) -> NoReturn:
    os.killpg(os.getpgid(0), signal.SIGKILL)
    raise AssertionError("it outlived SIGKILL")


def signalled(module: str, name: str, signum: signal.Signals) -> None:
    """Be sent a signal where a function of a module begins."""
    owner = importlib.import_module(module)
    original = getattr(owner, name)

    def begin(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signum)
        return original(*given, **named)

    setattr(owner, name, begin)
