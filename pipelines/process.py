"""Which process this is, so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Process:
    """A process, identified beyond doubt on one Linux machine: ids are used again, start times are not."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Process:
        """This process. Where /proc is missing, only the host and the id are known."""
        pid = os.getpid()
        return cls(socket.gethostname(), _boot_id(), _pid_namespace(), pid, _started(pid) or _UNKNOWN)

    def is_known_dead(self) -> bool:
        """True only when host, boot and namespace are ours and no such process lives; a zombie doesn't."""
        here = Process.current()
        same = (self.host, self.boot_id, self.pid_namespace) == (here.host, here.boot_id, here.pid_namespace)
        if not same or _UNKNOWN in (self.boot_id, self.pid_namespace, self.started):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            # Another user's, and alive; /proc may hide it from us.
            return False
        return _started(self.pid) != self.started


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else _UNKNOWN


def _pid_namespace() -> str:
    path = Path("/proc/self/ns/pid")
    return str(path.readlink()) if path.is_symlink() else _UNKNOWN


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in parentheses and may hold spaces: what follows the last one is regular.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in ("Z", "X") else rest[18]
