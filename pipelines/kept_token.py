"""The access token between two syncs: sealed in the database, good only with what it was asked for with."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

from models.integration import Integration, SourceSettings
from pipelines import vault
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError, DatabaseFailed
from pipelines.seal import Seal, seal
from pipelines.settings import Target


class StoredToken:
    """A token as one sync sees it: read before its pages, written once after them (sources.token.KeptToken).

    In between nothing touches the database: on DuckDB the file belongs to whoever has it open, and a page that waits
    for it would hold up the others. Without GUIDELIGHT_SECRET_KEY, and for the practice shop, nothing is kept.
    """

    def __init__(
        self, integration: Integration, of: str, seal: Seal | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._integration = integration
        self._of = of
        self._seal = seal
        self._clock = clock
        self._token: tuple[str, float] | None = None
        self._is_written = True

    def read(self, connection: Connection) -> None:
        """Take what is stored, where it can be opened, still lives and was asked for with the same key and shop."""
        found = None if self._seal is None else vault.sealed(connection, self._integration.id, vault.ACCESS_TOKEN)
        if self._seal is None or found is None or found[1] is None or found[1] <= 0:
            return
        try:
            text = self._seal.open(self._integration.id, vault.ACCESS_TOKEN, found[0])
        except ConfigurationError:
            return  # sealed with a key that is gone: the sync asks for a token, and writes it in this one's place
        of, value = json.loads(text)
        if of == self._of:
            self._token = (value, self._clock() + found[1])

    def load(self) -> tuple[str, float] | None:
        """The token and the seconds it still lives."""
        return None if self._token is None else (self._token[0], self._token[1] - self._clock())

    def keep(self, value: str, life: float) -> None:
        """Take a new token, for `save` to write."""
        self._token = (value, self._clock() + life)
        self._is_written = False

    def forget(self) -> None:
        """Let go of a token that was refused."""
        self._token = None
        self._is_written = False

    def save(self, target: Target, tell: Callable[[str], None]) -> str | None:
        """Write what changed. Returns None, or the sentence that says why it couldn't be written.

        That costs the next sync one request for a token, and must not cost this one its products.
        """
        if self._seal is None or self._is_written:
            return None
        try:
            with connect(target, waiting=tell) as connection:
                self._write(connection, self._seal)
        except (ConfigurationError, DatabaseFailed) as error:
            return f"The access token could not be kept for the next sync, which will ask for another: {error}"
        self._is_written = True
        return None

    def _write(self, connection: Connection, seal: Seal) -> None:
        token = self.load()
        if token is None or token[1] < 1:
            vault.remove(connection, self._integration.id, vault.ACCESS_TOKEN)
            return
        value, life = token
        text = json.dumps([self._of, value])
        vault.put(connection, seal, self._integration.id, vault.ACCESS_TOKEN, text, life=int(life))


def kept_token(connection: Connection, integration: Integration, settings: SourceSettings, secret: str) -> StoredToken:
    """The token kept for an integration that is read with these settings and this key.

    Raises ConfigurationError where GUIDELIGHT_SECRET_KEY holds no key.
    """
    asked_with = json.dumps([*settings.shop, secret])
    of = hashlib.sha256(asked_with.encode("ascii")).hexdigest()
    token = StoredToken(integration, of, None if integration.is_sandbox else seal())
    token.read(connection)
    return token
