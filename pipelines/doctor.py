"""What could keep a sync from working on this machine: looked at one by one, and how to mend it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from pipelines import doctor_database
from pipelines.database import connect
from pipelines.errors import ConfigurationError, GuidelightError
from pipelines.seal import HOW_TO_MAKE_ONE, seal
from pipelines.settings import ROOT, Target, build_directory, target

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest that it works with: dbt goes no further (README.md)."""

ROOM = 500
"""Megabytes that have to be free: a sync of 100,000 products writes less than half of that."""

_NAMED = 5
"""Packages that are named one by one."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is well, and what it is or how to mend it."""

    check: str
    ok: bool
    message: str


def examine(database: str | None, tell: Tell) -> list[Finding]:
    """Look at everything, as far as it can be looked at; nothing is written.

    Only an enabled integration's shop is asked, as `guidelight integrations test` does.
    What can't be looked at is a finding too, and raises nothing.
    """
    found = [
        _looked_at("python", _python),
        _looked_at("packages", lambda: packages(ROOT / "requirements.lock")),
        _looked_at("key", _key),
        _looked_at("disk", lambda: _room(build_directory(), "build")),
    ]
    try:
        where = target(database)
    except ConfigurationError as error:
        return [*found, Finding("database", False, str(error))]
    if where.path is not None:
        found.append(_looked_at("disk", lambda: _room(where.path.parent, "database")))  # type: ignore[union-attr]
    return [*found, *_database(database, where, tell)]


def _looked_at(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except GuidelightError as error:
        return Finding(name, False, str(error))


def _python() -> str:
    now, (oldest, newest) = sys.version_info[:2], PYTHONS
    said = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    if not oldest <= now <= newest:
        raise ConfigurationError(
            f"{said} is not one of {_dotted(oldest)} to {_dotted(newest)}: `make clean install PYTHON=python3.13`"
        )
    return said


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))


def packages(lock: Path) -> str:
    """Whether what is installed is what the lock file names. Raises ConfigurationError with what is not."""
    wanted = [Requirement(line.rstrip(" \\")) for line in lock.read_text("utf-8").splitlines() if _is_package(line)]
    here = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    odd = [said for one in here if (said := _installed_otherwise(one))]
    if odd:
        more = f" and {len(odd) - _NAMED:,} more" if len(odd) > _NAMED else ""
        raise ConfigurationError(
            f"Packages are not as requirements.lock has them: {', '.join(odd[:_NAMED])}{more}. Run `make install`"
        )
    return f"The {len(here):,} packages of requirements.lock are installed as it has them"


def _is_package(line: str) -> bool:
    return bool(line) and line[0].isalnum()


def _installed_otherwise(wanted: Requirement) -> str | None:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    return None if wanted.specifier.contains(found, prereleases=True) else f"{wanted.name} is {found}"


def _key() -> str:
    """Whether it opens what is sealed is looked at with the database."""
    if seal() is None:
        return f"GUIDELIGHT_SECRET_KEY is not set: nothing can be sealed in the database; {HOW_TO_MAKE_ONE}"
    return "GUIDELIGHT_SECRET_KEY holds keys that can seal"


def _room(directory: Path, what: str) -> str:
    """Of a directory that is still to be made, the nearest one above that exists."""
    there = next(one for one in (directory, *directory.parents) if one.exists())
    free = shutil.disk_usage(there).free / 1_000_000
    if free < ROOM:
        raise ConfigurationError(
            f"{free:,.0f} MB are free for the {what} at {directory}, and {ROOM} are needed: make room there"
        )
    return f"{free / 1000:,.1f} GB are free for the {what} at {directory}"


def _database(database: str | None, where: Target, tell: Tell) -> Iterator[Finding]:
    """What needs the database. One that can't be had is one finding, and the rest is not looked at."""
    try:
        with connect(where, read_only=True, waiting=tell) as connection:
            yield Finding("database", True, doctor_database.version(connection))
            found = [_looked_at(name, look) for name, look in doctor_database.looks(connection)]
            yield from found
            if not all(one.ok for one in found if one.check == "migrations"):
                return
            for name, look in doctor_database.looks_where_current(connection):
                yield _looked_at(name, look)
            enabled = doctor_database.enabled(connection)
    except GuidelightError as error:
        yield Finding("database", False, str(error))
        return
    for integration in enabled:
        yield _looked_at("integration", lambda one=integration: doctor_database.reached(database, one, tell))  # type: ignore[misc]
