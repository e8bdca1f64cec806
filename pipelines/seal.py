"""Sealing: text that only the holder of GUIDELIGHT_SECRET_KEY can read, and only in the place it was sealed for."""

from __future__ import annotations

import json
import re
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from pipelines.errors import ConfigurationError
from pipelines.settings import secret_keys

HOW_TO_MAKE_ONE = "make one with `openssl rand -base64 32`, and keep it where the syncs run, outside the database"

_KEY = re.compile(r"[A-Za-z0-9+/_-]{43}=")


class Seal:
    """Seals with the newest of several keys, and opens with any of them.

    Each text is sealed together with the integration and the name that it belongs to (DESIGN.md, Secrets): copied
    into another row it can't be opened.
    """

    def __init__(self, keys: str) -> None:
        """`keys`: Fernet keys, newest first, separated by commas. Raises ConfigurationError where one is none."""
        self._fernet = MultiFernet([_fernet(key, place) for place, key in enumerate(keys.split(","), 1)])

    def seal(self, integration: UUID, name: str, text: str) -> str:
        """Seal a text under the newest key."""
        # Escaped, so that any text can be sealed: lone surrogates have no UTF-8.
        return self._fernet.encrypt(json.dumps([str(integration), name, text]).encode("ascii")).decode("ascii")

    def open(self, integration: UUID, name: str, sealed: str) -> str:
        """The text that was sealed for this place. Raises ConfigurationError: no key opens it, or of another place."""
        again = f"give it again with `guidelight integrations set {integration} --secret {name}=-`"
        try:
            opened = self._fernet.decrypt(_ascii(sealed))
        except InvalidToken as error:
            raise ConfigurationError(
                f"No key in GUIDELIGHT_SECRET_KEY opens the sealed {name} of integration {integration}: "
                f"add the key it was sealed with, or {again}"
            ) from error
        try:
            place_and_text = json.loads(opened)
        except ValueError:
            place_and_text = None  # ours are JSON; the same keys may have sealed something else
        if not isinstance(place_and_text, list) or place_and_text[:-1] != [str(integration), name]:
            raise ConfigurationError(
                f"What stands as the sealed {name} of integration {integration} was sealed for another place: {again}"
            )
        return str(place_and_text[-1])

    def renew(self, integration: UUID, name: str, sealed: str) -> str:
        """The same text under the newest key, with the time at which it was first sealed. Raises as `open`."""
        self.open(integration, name, sealed)
        return self._fernet.rotate(_ascii(sealed)).decode("ascii")


def _ascii(sealed: str) -> bytes:
    """What was sealed is ASCII; anything else can't be opened, and cryptography has no error of its own for it."""
    return sealed.encode("ascii", "replace")


def seal() -> Seal | None:
    """What GUIDELIGHT_SECRET_KEY makes; None where it is not set. Raises ConfigurationError where it holds no key."""
    keys = secret_keys()
    return None if keys is None else Seal(keys)


def needed(what_for: str) -> Seal:
    """As `seal`, for what can't be done without. Raises ConfigurationError, saying how to make a key."""
    found = seal()
    if found is None:
        raise ConfigurationError(f"{what_for} needs GUIDELIGHT_SECRET_KEY, which is not set: {HOW_TO_MAKE_ONE}")
    return found


def _fernet(key: str, place: int) -> Fernet:
    # Fernet itself skips what isn't base64 and stops at "=": of two keys with a ";" between them it would take one.
    if _KEY.fullmatch(key.strip()) is None:
        raise ConfigurationError(
            f"Key {place} in GUIDELIGHT_SECRET_KEY is none: a key is 32 bytes in base64, and keys are separated by "
            f"commas, the newest first; {HOW_TO_MAKE_ONE}"
        )
    return Fernet(key.strip())
