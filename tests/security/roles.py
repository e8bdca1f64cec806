"""Who asks a Postgres for something, and how: the roles as PostgREST or a login takes them, for one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.database import Connection

MANAGER = "11111111-1111-4111-8111-111111111111"
STAFF = "22222222-2222-4222-8222-222222222222"
DEMOTED = "33333333-3333-4333-8333-333333333333"

WHO = {
    "anon": ("anon", None),
    "staff": ("authenticated", STAFF),
    "manager": ("authenticated", MANAGER),
    "demoted": ("authenticated", DEMOTED),
    "service": ("service_role", None),
    "sync": ("guidelight_sync", None),
    "analyst": ("guidelight_analyst", None),
}
"""Each with its role of the database and the `sub` of its token, in the order of docs/permissions.md."""

PEOPLE = f"""
insert into budtenders (auth_user_id, name, role) values
  ('{MANAGER}', 'Mo', 'manager'), ('{STAFF}', 'Bo', 'budtender'), ('{DEMOTED}', 'Di', 'manager');
update budtenders set role = 'budtender' where auth_user_id = '{DEMOTED}';
"""
"""The staff: a manager, one who never was one, and one who is no longer."""


@contextmanager
def acting_as(connection: Connection, who: str) -> Iterator[None]:
    """As PostgREST does it: the role and the claims of the token, for one transaction, which is committed."""
    role, user = WHO[who]
    with connection.transaction():
        if user is not None:
            connection.execute(
                "select set_config('request.jwt.claims', $claims, true)", claims=json.dumps({"sub": user})
            )
        connection.execute(f"set local role {role}")
        yield
