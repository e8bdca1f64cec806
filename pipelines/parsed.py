"""The dbt project as dbt parsed it, kept in build/dbt: reading it takes a tenth of a second, parsing it took five."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import ROOT, Target, build_directory

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = ROOT / "dbt_project"
_READ_BY_DBT = (".sql", ".yml", ".md", ".csv")
_LIBRARIES = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "dbt-postgres", "mashumaro")


def parsed(target: Target, parse: Callable[[], Manifest]) -> Manifest:
    """The manifest of the project as it stands, for the target's engine: what was kept of it, or else parsed anew.

    Kept under a digest of every file that dbt reads and of dbt's own versions, so that no edit is missed. Its names of
    databases are those of the target for which it was parsed. A file that can't be read or written costs the parsing
    and nothing else.
    """
    path = build_directory() / "dbt" / f"parsed-{target.engine}-{_digest()}.msgpack"
    known = _read(path)
    if known is None:
        known = parse()
        with contextlib.suppress(OSError):
            _write(path, known)
    return known


def _digest() -> str:
    files = sorted(path for path in PROJECT.rglob("*") if path.suffix in _READ_BY_DBT)
    said = [path.relative_to(PROJECT).as_posix().encode() + b"\0" + path.read_bytes() for path in files]
    said += [f"{library} {version(library)}".encode() for library in _LIBRARIES]
    whole = hashlib.sha256()
    for one in said:
        whole.update(hashlib.sha256(one).digest())
    return whole.hexdigest()[:16]


def _read(path: Path) -> Manifest | None:
    """What is kept there; None where nothing is, or something else."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder
    from mashumaro.exceptions import MissingField

    try:
        kept = path.read_bytes()
        manifest = Manifest.from_msgpack(kept, decoder=extended_mashumuro_decoder)
    except (OSError, ValueError, MissingField):
        return None
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def _write(path: Path, manifest: Manifest) -> None:
    """Put it in the place of what an earlier release left, whole or not at all."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(manifest.to_msgpack(extended_mashumaro_encoder))
        engine = path.name.rsplit("-", 1)[0]
        for old in path.parent.glob(f"{engine}-*.msgpack"):
            old.unlink(missing_ok=True)
        fresh.rename(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
