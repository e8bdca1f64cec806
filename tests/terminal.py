"""A terminal for a command: a real pseudo-terminal, what is shown on it, and who types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from tests.warm import PATIENCE, start

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _sit_down(place: str) -> None:
    """In the forked process: this terminal is its own, its input, output and errors."""
    os.setsid()
    terminal = os.open(place, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(terminal, number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, os.fdopen(number, "w" if number else "r", buffering=1, encoding="utf-8", closefd=False))


class Terminal:
    """`guidelight ARGV` at a terminal of so many columns; a context manager that waits for its end."""

    def __init__(
        self, argv: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None, columns: int = 100
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        known = {"TERM": "xterm-256color", **(env or {})}
        self.status: int | None = None
        self._answered = 0
        self.raw = ""
        """Everything that was shown, with what moves the cursor and colours."""
        self._running = start(argv, home=home, env=known, prepare=partial(_sit_down, os.ttyname(self._theirs)))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._end()
            else:
                self._running.kill()
        finally:
            os.close(self._ours)
            os.close(self._theirs)

    @property
    def shown(self) -> str:
        """What was shown, without colours and moves of the cursor."""
        return _CONTROLS.sub("", self.raw)

    def await_words(self, *words: str) -> None:
        """Wait until all of them were shown, since the last line that was typed."""
        while not all(word in self.shown[self._answered :] for word in words):
            assert self._read(PATIENCE), f"{words} was not shown:\n{self.shown}"

    def answer(self, question: str, line: str) -> None:
        """Wait for a question that was not yet answered, and type a line."""
        self.await_words(question)
        self._answered = len(self.shown)
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        """Press keys; chr(3) is Ctrl-C."""
        os.write(self._ours, keys.encode())

    def _end(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._running.is_running:
            if time.monotonic() > deadline:
                self._running.kill()
                raise AssertionError(f"the command did not end in {PATIENCE:.0f} s:\n{self.shown}")
            self._read(0.05)
        self.status = self._running.wait().status
        while self._read(0):
            pass

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        with contextlib.suppress(OSError):  # Linux' way of saying that the other end is closed
            self.raw += os.read(self._ours, 65536).decode(errors="replace")
            return True
        return False
