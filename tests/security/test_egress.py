"""No telemetry: a whole run, started as people start it, talks to the source and the database and to nobody else.

Every Python process of the run tells of each connection and each look-up before it is made (an audit hook, which a
library can't get around in Python); libpq and DuckDB, which are not Python, connect to the database alone.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.databases import TestDatabase
from tests.test_cold import clean, guidelight

HOOK = """
import json, os, sys

def tell(event, given):
    if event in EVENTS:
        line = json.dumps([event, [str(one) for one in given if isinstance(one, (str, bytes, tuple))]])
        descriptor = os.open(os.environ["EGRESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode() + b"\\n")
        os.close(descriptor)

EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
          "socket.gethostbyaddr", "socket.getnameinfo"}
sys.addaudithook(tell)
"""


def listening(home: Path) -> Mapping[str, str]:
    """The environment in which every Python process tells of its connections, in `home`/egress."""
    (home / "hook").mkdir()
    (home / "hook" / "sitecustomize.py").write_text(HOOK)
    before = clean(home)["PYTHONPATH"]
    return {"PYTHONPATH": f"{home / 'hook'}:{before}", "EGRESS": str(home / "egress")}


def told(home: Path) -> list[tuple[str, str]]:
    lines = (home / "egress").read_text().splitlines() if (home / "egress").exists() else []
    return [(event, " ".join(given)) for event, given in map(json.loads, lines)]


def is_inside(target: str) -> bool:
    """Whether what was connected to or looked up is this machine: a loopback address, localhost or a socket's path."""
    host = target.strip("('\"").split("'")[0].split(",")[0].rstrip("'\"")
    if host.startswith("/") or host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.mark.alternating
def test_a_run_talks_to_the_source_and_the_database_and_to_nobody_else(
    empty_database: TestDatabase, tmp_path: Path
) -> None:
    env = listening(tmp_path)
    ran = guidelight("sync", "--or-sandbox", "--database", empty_database.url, home=tmp_path, **env)
    assert ran.returncode == 0, ran.stderr
    seen = told(tmp_path)
    assert any(event == "socket.connect" for event, _ in seen), "the requests to the source were not seen"
    assert [one for one in seen if not is_inside(one[1])] == []


def test_what_leaves_would_be_seen(tmp_path: Path) -> None:
    env = listening(tmp_path)
    leave = "import socket\ntry: socket.getaddrinfo('telemetry.invalid', 443)\nexcept OSError: pass"
    spawned = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {leave!r}])"
    subprocess.run([sys.executable, "-c", spawned], env=clean(tmp_path) | env, check=True)
    (one,) = [one for one in told(tmp_path) if not is_inside(one[1])]
    assert "telemetry.invalid" in one[1]
