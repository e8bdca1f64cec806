"""What a run reads: the source's listing, one of its products, or what staging kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from models.integration import Integration, SourceSettings
from models.sync import Problem, SyncRequest
from pipelines import practice, secrets, store
from pipelines.database import connect
from pipelines.extract import Extraction
from pipelines.progress import Arrived, Progress
from pipelines.received import Received
from pipelines.restage import Restaging
from pipelines.settings import Target
from pipelines.warm import Warm

Tell = Callable[[str], None]


class Intake(Protocol):
    """What one run received, once `run` has brought it into staging; after an error, what had come by then."""

    received: Received
    problems: list[Problem]
    warnings: list[dict[str, Any]]
    complete: bool
    """Whether what was received is all that the source has: only then may a product become absent."""

    def run(self, arrived: Arrived, progress: Progress) -> None:
        """Bring it into staging, under the turn; `arrived` is told of the products as they come."""
        ...


@contextmanager
def opened(
    target: Target,
    integration: Integration,
    settings: SourceSettings,
    request: SyncRequest,
    warm: Warm,
    tell: Tell,
    *,
    may_seal: bool = True,
) -> Iterator[Callable[[UUID], Intake]]:
    """What makes the intake of a run, given the run's id; the practice shop is served meanwhile.

    Raises ConfigurationError when the source's key can't be had.
    """
    if request.replay is not None:
        yield partial(Restaging, target, integration, request.replay, tell=tell)
        return
    with connect(target, waiting=tell) as connection:
        secret = secrets.resolve(connection, integration, settings)
        day = store.finished_syncs(connection, integration)
    with practice.served(integration, settings, day) as reachable:
        yield partial(
            Extraction,
            target,
            integration,
            reachable,
            secret,
            warm,
            product=request.product,
            may_vanish=request.allow_mass_deactivation,
            may_seal=may_seal,
            tell=tell,
        )
