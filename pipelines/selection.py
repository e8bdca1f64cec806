"""Which integrations a command means, and who asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from models.integration import Integration
from pipelines import practice, store
from pipelines.database import connect
from pipelines.errors import ConfigurationError
from pipelines.settings import Target

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which integrations a command means."""

    integration: str | None = None
    source: str | None = None
    due: bool = False
    or_sandbox: bool = False

    def check(self) -> None:
        """Raise ConfigurationError for options that exclude each other."""
        if sum((self.integration is not None, self.source is not None, self.due)) > 1:
            raise ConfigurationError("--integration, --type and --due exclude each other: give one of them")


def chosen(where: Target, selection: Selection, triggered_by: UUID | None, tell: Tell) -> list[Integration]:
    """The integrations that are meant, in the order in which they are to be run.

    Raises ConfigurationError: none is active, no such id, no such budtender, a sandbox under CI.
    """
    with connect(where, waiting=tell) as connection:
        if triggered_by is not None and not store.budtender_exists(connection, triggered_by):
            raise store.unknown_budtender(triggered_by)
        if selection.integration is not None:
            return [store.integration(connection, selection.integration)]
        known = store.integrations(connection)
        wanted = [one for one in known if one.is_active and selection.source in (None, one.type)]
        if wanted and all(one.is_sandbox for one in wanted):
            practice.refuse_under_ci()
        if not wanted and selection.or_sandbox and selection.source in (None, practice.TYPE):
            tell("No integration is active: syncing a shop to practise on")
            return [practice.register(connection, where)]
        if selection.due and known:
            return store.integrations(connection, due=True)
    if not wanted:
        of_type = f" of type {selection.source}" if selection.source else ""
        raise ConfigurationError(f"There is no active integration{of_type}: {practice.HOW_TO_ADD}, or try `make sync`")
    return wanted
