"""dlt's Postgres destination, connected as our other connections are: any libpq parameters, no startup options.

dlt builds a URL of its own, in which a socket and a missing password have no place, and sends a search_path as a
startup option, which a transaction-mode pooler refuses (STACK.md, Poolers).
"""

from __future__ import annotations

from typing import Any

import psycopg2
from dlt.common.destination.capabilities import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.destinations.impl.postgres.configuration import PostgresClientConfiguration, PostgresCredentials
from dlt.destinations.impl.postgres.factory import postgres
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from pipelines.database import given_room
from pipelines.settings import Target


def destination(target: Target) -> postgres:
    """dlt's destination for a Postgres target."""
    parameters = dict(target.parameters)

    class Connected(Psycopg2SqlClient):
        def open_connection(self) -> Any:
            self._conn = given_room(lambda: psycopg2.connect(**parameters))
            self._reset_connection()
            return self._conn

    class Client(PostgresClient):
        def __init__(
            self, schema: Schema, config: PostgresClientConfiguration, capabilities: DestinationCapabilitiesContext
        ) -> None:
            super().__init__(schema, config, capabilities)
            ours = self.sql_client
            self.sql_client = Connected(ours.dataset_name, ours.staging_dataset_name, config.credentials, capabilities)

    class Ours(postgres):
        @property
        def client_class(self) -> type[PostgresClient]:
            return Client

    # dlt insists on these fields; the connection is made from `parameters` alone.
    credentials = PostgresCredentials()
    credentials.host = parameters.get("host", "localhost")
    credentials.database = parameters.get("dbname", "postgres")
    credentials.username = parameters.get("user", "postgres")
    credentials.password = "-"  # noqa: S105 - a placeholder that no connection carries
    return Ours(credentials=credentials)
