"""Templates as Jinja compiled them, kept in build/templates: compiling Data Docs' took half of the checks' own time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from pipelines.settings import build_directory

_HERE: dict[str, bytes] = {}
"""By Jinja's key: what this process compiled or read, and what it forks finds."""


class Compiled(BytecodeCache):
    """Jinja tells by the template's text and its own version whether what is kept still fits.

    What can't be read or written costs the compiling and nothing else.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is kept of a template, if anything."""
        kept = _HERE.get(bucket.key)
        if kept is None:
            with suppress(OSError):
                kept = self._path(bucket).read_bytes()
        if kept is not None:
            with suppress(EOFError, ValueError, TypeError):
                bucket.bytecode_from_string(kept)
                _HERE[bucket.key] = kept

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled: whole, or not at all."""
        _HERE[bucket.key] = kept = bucket.bytecode_to_string()
        path = self._path(bucket)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(kept)
            fresh.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        return build_directory() / "templates" / bucket.key
