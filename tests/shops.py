"""Opens shops on copies of databases that were brought there once: migrated with views, or synced once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.database import connect
from pipelines.sandbox.server import Sandbox
from tests.databases import Databases, Engine, TestDatabase
from tests.shop import KEY, PAGE, PRODUCTS, GatedSandbox, Shop
from tests.warm import run

ADD = (
    "integrations", "add", "--type", "treez", "--name", "Treez - Main Store",
    "--set", f"dispensary_id={Sandbox.dispensary_id}", "--set", f"client_id={Sandbox.client_id}",
    "--set", "requests_per_second=100", "--set", "patience_seconds=1",
    "--set", "allow_private_address=true", "--secret", f"api_key=env:{KEY}",
)  # fmt: skip
"""The command that registers a shop; base_url and --database are to be added."""


@dataclass
class Shops:
    """Opens shops; each template is made when the first shop asks for it."""

    databases: Databases
    directory: Path
    _templates: dict[tuple[Engine, bool], tuple[TestDatabase, str]] = field(default_factory=dict)
    _opened: int = 0

    @contextmanager
    def open(self, engine: Engine, *, stocked: bool, **sandbox: Any) -> Iterator[Shop]:
        """A shop whose integration is registered; `stocked`: and was synced once."""
        template, integration = self._template(engine, stocked)
        with (
            self._sandbox(**sandbox) as shop_server,
            self.databases.copy(template) as database,
            self._home() as home,
        ):
            shop = Shop(shop_server, database, home, integration)
            shop.configure(base_url=shop_server.base_url)
            yield shop

    @contextmanager
    def adopting(self, engine: Engine, script: str) -> Iterator[Shop]:
        """A shop on a database that the app made with `script`, migrated and registered, never synced."""
        with self._sandbox() as shop_server, self.databases.make(engine, migrated=False) as database:
            with connect(database.target) as connection:
                connection.script(script)
            with self._home() as home:
                shop = Shop(shop_server, database, home, "")
                added = shop.command(*ADD, "--set", f"base_url={shop_server.base_url}")
                assert added.status == 0, added.stderr
                shop.integration = added.stdout.strip()
                yield shop

    @contextmanager
    def _home(self) -> Iterator[Path]:
        """The home of a shop's commands, removed with all that they wrote there."""
        self._opened += 1
        home = self.directory / f"home-{self._opened}"
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _sandbox(self, **given: Any) -> GatedSandbox:
        return GatedSandbox(**({"products": PRODUCTS, "page_cap": PAGE, "rate": None} | given))

    def _template(self, engine: Engine, stocked: bool) -> tuple[TestDatabase, str]:
        key = (engine, stocked)
        if key not in self._templates:
            self._templates[key] = self._stocked(engine) if stocked else self._registered(engine)
        return self._templates[key]

    def _registered(self, engine: Engine) -> tuple[TestDatabase, str]:
        database = self.databases.template(engine)
        home = self.directory / "home"
        assert run(["migrate", "--database", database.url], home=home).status == 0
        added = run([*ADD, "--set", "base_url=http://127.0.0.1:9", "--database", database.url], home=home)
        assert added.status == 0, added.stderr
        return database, added.stdout.strip()

    def _stocked(self, engine: Engine) -> tuple[TestDatabase, str]:
        registered, integration = self._template(engine, False)
        database = self.databases.template(engine, registered)
        with self._sandbox() as sandbox:
            shop = Shop(sandbox, database, self.directory / "home", integration)
            shop.configure(base_url=sandbox.base_url)
            synced = shop.sync()
            assert synced.counts == (PRODUCTS, PRODUCTS, 0, 0), synced.ran
        return database, integration
