"""Templates as Jinja compiled them, kept in build/templates: compiling Data Docs' took half of the checks' own time."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket

from pipelines.settings import build_directory

_HERE: dict[str, bytes] = {}
"""By place: what this process compiled or read, and what it forks finds."""

_DIGEST = hashlib.sha256().digest_size


class Compiled(jinja2.BytecodeCache):
    """Jinja tells by a template's text whether what is kept fits. By `of`, whoever uses it tells the rest: what is
    compiled depends on more than its text, such as filters, which Jinja applies to constants while it compiles.

    What can't be read or written costs the compiling and nothing else.
    """

    def __init__(self, of: str) -> None:
        self._of = f"{jinja2.__version__}-{of}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is kept of a template, if anything."""
        place = f"{self._of}/{bucket.key}"
        if place not in _HERE:
            with suppress(OSError):
                kept = self._path(place).read_bytes()
                if hashlib.sha256(kept[_DIGEST:]).digest() == kept[:_DIGEST]:
                    _HERE[place] = kept[_DIGEST:]
        if place in _HERE:
            bucket.bytecode_from_string(_HERE[place])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled, with a digest by which it is known to be whole."""
        place = f"{self._of}/{bucket.key}"
        _HERE[place] = kept = bucket.bytecode_to_string()
        path = self._path(place)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(hashlib.sha256(kept).digest() + kept)
            fresh.replace(path)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)

    def _path(self, place: str) -> Path:
        return build_directory() / "templates" / place
