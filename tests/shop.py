"""A shop to test with: a sandbox, an integration, a database, and the commands that bring them together."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipelines.database import Connection, connect
from pipelines.sandbox.answers import Answer, Request
from pipelines.sandbox.server import Sandbox
from tests.databases import TestDatabase
from tests.receipt import balance
from tests.warm import PATIENCE, Prepare, Ran, Running, run, start

PRODUCTS = 40
PAGE = 10

KEY = "GUIDELIGHT_TEST_KEY"
"""The environment variable that the integration's api_key refers to."""

TABLES = ("products", "product_changes", "product_sync_state")
"""What a publish writes, its log row apart."""

ORDERS = {
    "products": "source, source_id, name",
    "product_changes": "sync_log_id, source_id",
    "product_sync_state": "source_id",
}


@dataclass
class Gate:
    """A request that the shop keeps waiting: `arrived` is set when it came, `open()` lets it through."""

    page: int
    arrived: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        self.opened.set()

    def await_arrival(self) -> None:
        assert self.arrived.wait(PATIENCE), f"nobody asked for page {self.page}"


class GatedSandbox(Sandbox):
    """A sandbox that can keep a page of its listing until it is told to let go."""

    gate: Gate | None = None

    def __enter__(self) -> GatedSandbox:
        super().__enter__()
        return self

    def hold(self, page: int) -> Gate:
        """Keep the next requests for a page."""
        self.gate = Gate(page)
        return self.gate

    def receive(self, request: Request) -> Answer:
        gate = self.gate
        asked = parse_qs(urlsplit(request.target).query).get("page")
        if gate is not None and asked == [str(gate.page)]:
            gate.arrived.set()
            gate.opened.wait(PATIENCE)
        return super().receive(request)


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync that was run with --json: what it said, and its log row, where there is one."""

    ran: Ran
    log: dict[str, Any] | None

    @property
    def status(self) -> int:
        return self.ran.status

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ran.json
        return found

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """fetched, created, updated, unchanged."""
        stats = self.result["stats"]
        return stats["fetched"], stats["created"], stats["updated"], stats["unchanged"]

    @property
    def row(self) -> dict[str, Any]:
        assert self.log is not None, self.ran.stderr
        return self.log

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.row["summary"]
        return found

    @property
    def receipt(self) -> dict[str, int]:
        found: dict[str, int] = self.summary["receipt"]
        return found

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(kind, message) of each problem that the log keeps."""
        details = self.row["error_details"] or {"problems": []}
        return [(problem["kind"], problem["message"]) for problem in details["problems"]]


@dataclass
class Shop:
    """One test's shop."""

    sandbox: GatedSandbox
    database: TestDatabase
    home: Path
    integration: str

    def command(self, *words: str, env: Mapping[str, str] | None = None, prepare: Prepare | None = None) -> Ran:
        """Run a command on the shop's database."""
        return run([*words, "--database", self.database.url], home=self.home, env=self._env(env), prepare=prepare)

    def begin(self, *options: str, env: Mapping[str, str] | None = None, prepare: Prepare | None = None) -> Running:
        """Begin a sync with --json, and don't wait for it."""
        words = ["sync", "--json", *options, "--database", self.database.url]
        return start(words, home=self.home, env=self._env(env), prepare=prepare)

    def sync(self, *options: str, env: Mapping[str, str] | None = None, prepare: Prepare | None = None) -> Synced:
        """Run a sync with --json. Whatever comes of it, what it says and wrote must add up."""
        before = self.standing()
        synced = self.ended(self.begin(*options, env=env, prepare=prepare))
        balance(self, synced, before)
        return synced

    def ended(self, running: Running) -> Synced:
        """Wait for a sync that was begun, and read its log."""
        ran = running.wait()
        known = ran.json["sync_log_id"] if ran.stdout.startswith("{") else None
        return Synced(ran, None if known is None else self.log(known))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with connect(self.database.target) as connection:
            yield connection

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.connection() as connection:
            return connection.rows(sql, **parameters)

    def value(self, sql: str, **parameters: Any) -> Any:
        with self.connection() as connection:
            return connection.value(sql, **parameters)

    def execute(self, sql: str, **parameters: Any) -> None:
        with self.connection() as connection:
            connection.execute(sql, **parameters)

    def log(self, sync_log_id: str) -> dict[str, Any]:
        return self.rows("select * from sync_logs where id = $id", id=sync_log_id)[0]

    def logs(self) -> list[dict[str, Any]]:
        """Every log, oldest first."""
        return self.rows("select * from sync_logs order by started_at")

    def products(self) -> dict[str, dict[str, Any]]:
        """The source's products by source_id."""
        rows = self.rows("select * from products where source = 'treez'")
        return {row["source_id"]: row for row in rows}

    def changes(self, synced: Synced) -> dict[str, dict[str, Any]]:
        """What a sync changed, by source_id."""
        rows = self.rows("select * from product_changes where sync_log_id = $id", id=synced.result["sync_log_id"])
        assert len(rows) == len({row["source_id"] for row in rows})
        return {row["source_id"]: row for row in rows}

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that a publish could have written, and on Postgres which transaction wrote it."""
        with self.connection() as connection:
            version = ", xmin::text as version" if connection.is_postgres else ""
            return {name: connection.rows(f"select *{version} from {name} order by {ORDERS[name]}") for name in TABLES}

    def configure(self, **settings: Any) -> None:
        """Change settings of the integration, as the app's form does: a value of None removes one."""
        config = self.value("select config from integrations where id = $id", id=self.integration)
        kept = {name: value for name, value in (config | settings).items() if value is not None}
        self.execute(
            "update integrations set config = cast($config as jsonb) where id = $id",
            config=json.dumps(kept),
            id=self.integration,
        )

    def record(self, number: int) -> dict[str, Any]:
        """A record that is served; change it, then call `serve`."""
        found: dict[str, Any] = self.sandbox.products[number]
        return found

    def hold(self, page: int) -> Running:
        """Begin a sync that gets no answer for a page until `let_go`; returns once it has asked for it."""
        self.configure(patience_seconds=PATIENCE)
        gate = self.sandbox.hold(page)
        running = self.begin()
        gate.await_arrival()
        return running

    def let_go(self) -> None:
        """Answer what is held, and hold nothing any more."""
        if self.sandbox.gate is not None:
            self.sandbox.gate.open()
            self.sandbox.gate = None

    def running_log(self) -> dict[str, Any]:
        """The log of the one sync that is running."""
        (log,) = self.rows("select * from sync_logs where status = 'running'")
        return log

    def serve(self) -> None:
        self.sandbox.refresh()

    def active(self, count: int) -> list[dict[str, Any]]:
        """The first so many records that are active and in stock."""
        found = [
            record
            for record in self.sandbox.products
            if record["product_status"] == "ACTIVE" and record["sellable_quantity"] > 0
        ]
        assert len(found) >= count
        return found[:count]

    def remove(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Take records off the listing; returns their ids, sorted."""
        ids = {record["product_id"] for record in records}
        self.sandbox.products[:] = [one for one in self.sandbox.products if one["product_id"] not in ids]
        self.sandbox.refresh()
        return sorted(ids)

    def _env(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {KEY: self.sandbox.api_key, **(env or {})}

    def standing(self) -> dict[str, int]:
        return self.rows(
            "select count(*) as products, count(case when is_active then 1 end) as active "
            "from products where source = 'treez'"
        )[0]
