"""The table integration_secrets: what is sealed for an integration, by name. No text is stored but sealed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pipelines.database import Connection
from pipelines.errors import ConfigurationError
from pipelines.seal import Seal

ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
"""The name of the token that is kept between syncs; every other name is a key of `config`."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: values now under the newest key, and kept tokens removed that no key opened."""

    rotated: int
    removed: int


def put(
    connection: Connection, seal: Seal, integration: UUID, name: str, text: str, *, life: int | None = None
) -> None:
    """Seal a text in place of what was there; `life`: seconds until it is of no use, by the database's clock."""
    connection.execute(
        """
        insert into integration_secrets (integration_id, name, sealed, expires_at)
        values ($integration, $name, $sealed, now() + cast($life as integer) * interval '1 second')
        on conflict (integration_id, name)
        do update set sealed = excluded.sealed, expires_at = excluded.expires_at, updated_at = now()
        """,
        integration=integration,
        name=name,
        sealed=seal.seal(integration, name, text),
        life=life,
    )


def sealed(connection: Connection, integration: UUID, name: str) -> tuple[str, float | None] | None:
    """What is sealed there, still sealed, and the seconds it is good for (None: for ever); None where nothing is."""
    row = connection.one(
        """
        select sealed, cast(extract(epoch from (expires_at - now())) as double precision) as life
        from integration_secrets where integration_id = $integration and name = $name
        """,
        integration=integration,
        name=name,
    )
    return None if row is None else (row["sealed"], row["life"])


def remove(connection: Connection, integration: UUID, name: str) -> None:
    """Remove what is sealed there, if anything is."""
    connection.execute(
        "delete from integration_secrets where integration_id = $integration and name = $name",
        integration=integration,
        name=name,
    )


def rotate(connection: Connection, seal: Seal, of: UUID | None = None) -> Rotated:
    """Put everything sealed, of one integration or of all, under the newest key: all of it or, on an error, nothing.

    A kept token that no key opens is removed, for the next sync asks for another.
    Raises ConfigurationError where a secret can't be opened.
    """
    rotated = removed = 0
    lock = " for update" if connection.is_postgres else ""
    with connection.transaction():
        rows = connection.rows(
            f"""
            select integration_id, name, sealed from integration_secrets
            where cast($of as uuid) is null or integration_id = cast($of as uuid)
            order by integration_id, name{lock}
            """,
            of=of,
        )
        for row in rows:
            place = (row["integration_id"], row["name"])
            try:
                renewed = seal.renew(*place, row["sealed"])
            except ConfigurationError:
                if row["name"] != ACCESS_TOKEN:
                    raise
                remove(connection, *place)
                removed += 1
                continue
            connection.execute(
                "update integration_secrets set sealed = $sealed, updated_at = now() "
                "where integration_id = $integration and name = $name",
                sealed=renewed,
                integration=row["integration_id"],
                name=row["name"],
            )
            rotated += 1
    return Rotated(rotated, removed)
