"""Who is measured: each does the same work, from the same API into the same engine, as a whole cold process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.process import Ran, run
from benchmarks.shop import Shop

_KEY = "GUIDELIGHT_BENCH_KEY"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sync says that it did."""

    fetched: int
    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One sync: seconds from its start until products is right and until its process has ended; peak in bytes."""

    published: float
    finished: float
    peak: int
    counts: Counts


class Contender(Protocol):
    """One way to bring `products` up to date; it comes into a database that nobody used before."""

    name: str

    def prepare(self, place: str, shop: Shop) -> None:
        """What is done once, and not measured: tables, configuration."""
        ...

    def sync(self, place: str, shop: Shop) -> Measured: ...


class Floor:
    """The least code that could do it (floor.py)."""

    name = "floor"

    def __init__(self, home: Path) -> None:
        self._env = environment(home)

    def prepare(self, place: str, shop: Shop) -> None:
        """Nothing: it makes its one table itself."""

    def sync(self, place: str, shop: Shop) -> Measured:
        rate = [] if shop.case.rate is None else ["--rate", str(shop.case.rate)]
        known = [f"--{name}={value}" for name, value in shop.known.items()]
        ran = run([sys.executable, "-m", "benchmarks.floor", place, *known, *rate], self._env)
        said = json.loads(ran.stdout)
        return _measured(ran, said.pop("published"), said)


class Guidelight:
    """`guidelight sync`, everything it does."""

    name = "guidelight sync"

    def __init__(self, home: Path) -> None:
        self._env = environment(home)
        self._home = home

    def prepare(self, place: str, shop: Shop) -> None:
        self._env = self._env | {_KEY: shop.known["api_key"]}
        settings: dict[str, Any] = {
            "base_url": shop.base_url, "dispensary_id": shop.known["dispensary_id"],
            "client_id": shop.known["client_id"], "allow_private_address": "true",
            "requests_per_second": shop.case.rate or 100_000,
        }  # fmt: skip
        chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        guidelight = [sys.executable, "-m", "pipelines.cli"]
        run([*guidelight, "migrate", "--database", place], self._env)
        add = ["integrations", "add", "--type", "treez", "--name", "Bench", "--secret", f"api_key=env:{_KEY}"]
        run([*guidelight, *add, *chosen, "--database", place], self._env)

    def sync(self, place: str, shop: Shop) -> Measured:
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            note = Path(directory) / "published"
            command = ["benchmarks.noted", str(note), "sync", "--json", "--database", place]
            ran = run([sys.executable, "-m", *command], self._env)
            return _measured(ran, float(note.read_text()), json.loads(ran.stdout)["stats"])


def environment(home: Path) -> dict[str, str]:
    """What a contender finds: a home of its own, and nothing of ours."""
    home.mkdir(exist_ok=True)
    directories = {name: str(home) for name in ("HOME", "TMPDIR")}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "GUIDELIGHT_BUILD": str(home / "build"), **directories}


def _measured(ran: Ran, published: float, said: Mapping[str, int]) -> Measured:
    counts = Counts(**{name: said[name] for name in ("fetched", "created", "updated", "unchanged")})
    return Measured(published - ran.began, ran.seconds, ran.peak, counts)
