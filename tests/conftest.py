"""Which engines a test runs on, and the databases it gets."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases, Engine, TestDatabase
from tests.postgres import system_postgres
from tests.shop import Shop
from tests.shops import Shops

ENGINES = ("duckdb", "postgres")

IN_MEMORY = Path("/dev/shm")
ENOUGH = 4_000_000_000
"""Bytes that have to be free there for the tests' files: DuckDB waits for a disk at each commit, not for memory."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres15",
        action="store_true",
        help="run every Postgres test on the system's Postgres 15 to 17 in place of the wheel's 18",
    )
    parser.addoption(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="K/N",
        help="of `make test-state` and `make test-faults` only the K-th of N shares",
    )


def _shard(text: str) -> tuple[int, int]:
    share, _, shares = text.partition("/")
    if not (share.isdecimal() and shares.isdecimal() and 1 <= int(share) <= int(shares)):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N, such as 1/4: the first of four shares")
    return int(share), int(shares)


def pytest_configure(config: pytest.Config) -> None:
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
    config.addinivalue_line("markers", "long: not in `make test`, which stays under ten minutes: `make test-long`")
    config.addinivalue_line("markers", "state: the long lives of the state machine, an hour of them: `make test-state`")
    config.addinivalue_line(
        "markers", "faults: every fault at every place, kills and races, by the hundred: `make test-faults`"
    )
    config.addinivalue_line("markers", "browser: opened in Chromium, which not every machine has: `make test-browser`")
    config.addinivalue_line(
        "markers",
        "alternating: in `make test` each case on one engine, in turn; on the other in `make test-long`",
    )
    config.addinivalue_line("markers", "postgres_only: what DuckDB has no notion of (policies, roles)")
    config.addinivalue_line("markers", "duckdb_only: what only a file has (locks on it)")
    config.addinivalue_line("markers", "every_postgres: also on the system's Postgres 15 to 17, where there is one")
    if config.getoption("--postgres15") and system_postgres() is None:
        raise pytest.UsageError("--postgres15: there is no Postgres 15, 16 or 17 in /usr/lib/postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a database runs on each engine, unless it is marked otherwise."""
    if "engine" not in metafunc.fixturenames:
        return
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    engines = [*([] if "postgres_only" in marks else ["duckdb"]), *([] if "duckdb_only" in marks else ["postgres"])]
    if "every_postgres" in marks and system_postgres() and not metafunc.config.getoption("--postgres15"):
        engines.append("postgres15")
    metafunc.parametrize("engine", engines, indirect=True)


def _faults(items: list[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.get_closest_marker("faults")]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make the other engine's turn of each alternating case a long test, and leave other shards' faults to them."""
    share, shares = config.getoption("--shard")
    others = {item for number, item in enumerate(_faults(items)) if number % shares != share - 1}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]
    places: dict[str, int] = {}
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("engine")  # type: ignore[attr-defined]
        is_of_one = any(item.get_closest_marker(f"{one}_only") for one in ENGINES)
        if name in ENGINES and not is_of_one and item.get_closest_marker("alternating"):
            case = item.nodeid.replace(name, "", 1)
            if ENGINES[places.setdefault(case, len(places)) % 2] != name:
                item.add_marker(pytest.mark.long)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """The engine that this test runs on: duckdb, postgres, or postgres15 (the system's)."""
    name: Engine = request.param
    return name


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Makes databases; its servers stop with the tests of this process."""
    made = Databases(tmp_path_factory.mktemp("databases"), system_only=pytestconfig.getoption("--postgres15"))
    yield made
    made.close()


@pytest.fixture
def empty_database(databases: Databases, engine: Engine) -> Iterator[TestDatabase]:
    """A database with nothing in it."""
    with databases.make(engine, migrated=False) as database:
        yield database


@pytest.fixture
def database(databases: Databases, engine: Engine) -> Iterator[TestDatabase]:
    """A migrated database with no rows."""
    with databases.make(engine, migrated=True) as database:
        yield database


@pytest.fixture(scope="session")
def shops(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Shops:
    """Opens shops: a sandbox, a registered integration, a database."""
    return Shops(databases, tmp_path_factory.mktemp("shops"))


@pytest.fixture
def shop(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop of 40 products on 4 pages that was never synced."""
    with shops.open(engine, stocked=False) as opened:
        yield opened


@pytest.fixture
def stocked(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop of 40 products on 4 pages that was synced once."""
    with shops.open(engine, stocked=True) as opened:
        yield opened
