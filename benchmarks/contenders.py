"""Who is measured: each does the same work, from the same API into the same engine."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from benchmarks.measured import Counts, Measured
from benchmarks.process import Ran, run
from benchmarks.service import Service
from benchmarks.shop import Shop
from benchmarks.written import Table

KEY = "GUIDELIGHT_BENCH_KEY"

_FASTEST = 100
"""The largest requests_per_second that an integration takes."""


class Contender(Protocol):
    """One way to bring `products` up to date; it comes into a database that nobody used before."""

    name: str
    table: Table

    def refuses(self, engine: str) -> str | None:
        """Why it can't be measured on an engine; None where it can."""
        ...

    def prepare(self, place: str, shop: Shop) -> None:
        """What is done before each sync and not measured; NotMeasured where that fails."""
        ...

    def sync(self, place: str, shop: Shop) -> Measured:
        """Sync once. Raises NotMeasured where it ends badly."""
        ...

    def close(self) -> None:
        """End what it left running."""
        ...


class Floor:
    """The least code that could do it (floor.py)."""

    name = "floor"
    table = Table("products", version="last_synced_at")

    def __init__(self, home: Path) -> None:
        self._env = environment(home)

    def refuses(self, engine: str) -> str | None:
        return None

    def prepare(self, place: str, shop: Shop) -> None:
        """Nothing: it makes its one table itself."""

    def sync(self, place: str, shop: Shop) -> Measured:
        rate = [] if shop.case.rate is None else ["--rate", str(shop.case.rate)]
        known = [f"--{name}={value}" for name, value in shop.known.items()]
        ran = run([sys.executable, "-m", "benchmarks.floor", place, *known, *rate], self._env)
        said = json.loads(ran.stdout)
        return measured(ran, said.pop("published"), said)

    def close(self) -> None:
        """Nothing is left."""


class Cold:
    """`guidelight sync`, everything it does, as a process that imports what it needs."""

    name = "guidelight sync, cold"
    table = Table("products", version="last_synced_at", payloads="staging_treez.payloads")

    def __init__(self, home: Path) -> None:
        self._env = environment(home)
        self._home = home
        self._prepared = ""

    def refuses(self, engine: str) -> str | None:
        return None

    def prepare(self, place: str, shop: Shop) -> None:
        """Migrate, and add the integration, once."""
        if self._prepared == place:
            return
        self._prepared = place
        self._env = self._env | {KEY: shop.known["api_key"]}
        settings: dict[str, Any] = {
            "base_url": shop.base_url, "dispensary_id": shop.known["dispensary_id"],
            "client_id": shop.known["client_id"], "allow_private_address": "true",
            "requests_per_second": shop.case.rate or _FASTEST,
        }  # fmt: skip
        chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        guidelight = [sys.executable, "-m", "pipelines.cli"]
        run([*guidelight, "migrate", "--database", place], self._env)
        add = ["integrations", "add", "--type", "treez", "--name", "Bench", "--secret", f"api_key=env:{KEY}"]
        run([*guidelight, *add, *chosen, "--database", place], self._env)

    def sync(self, place: str, shop: Shop) -> Measured:
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            note = Path(directory) / "published"
            ran = self._run(note, ["sync", "--json", "--database", place])
            return measured(ran, float(note.read_text()), json.loads(ran.stdout)["stats"])

    def _run(self, note: Path, words: list[str]) -> Ran:
        return run([sys.executable, "-m", "benchmarks.noted", str(note), *words], self._env)

    def close(self) -> None:
        """Nothing is left."""


class Warm(Cold):
    """The same as a child of a process that lives long: it has imported everything and parsed for both engines."""

    name = "guidelight sync, warm"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._service: Service | None = None

    def prepare(self, place: str, shop: Shop) -> None:
        super().prepare(place, shop)
        if self._service is None:
            self._service = Service(self._env)

    def _run(self, note: Path, words: list[str]) -> Ran:
        assert self._service is not None
        return self._service.run(note, words, self._env)

    def close(self) -> None:
        if self._service is not None:
            self._service.close()
            self._service = None


def environment(home: Path) -> dict[str, str]:
    """What a contender finds: a home of its own, and nothing of ours."""
    home.mkdir(exist_ok=True)
    directories = {name: str(home) for name in ("HOME", "TMPDIR")}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "GUIDELIGHT_BUILD": str(home / "build"), **directories}


def measured(ran: Ran, published: float | None, said: Mapping[str, int] | None) -> Measured:
    """What is said of a run that ended; without a moment of its own it published at its end."""
    names = ("fetched", "created", "updated", "unchanged")
    counts = None if said is None else Counts(**{name: said[name] for name in names})
    return Measured(ran.seconds if published is None else published - ran.began, ran.seconds, ran.peak, counts)
