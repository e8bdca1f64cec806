"""Step 3 of a sync: pages, validated, into staging; and whatever it takes before a product may be called gone.

A listing moves while it is read (TREEZ.md, Order and edges). Nothing becomes absent before the listing is proven
whole, by its announced count or by a second pass, and before each product that is about to go was looked up by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models.integration import Integration, SourceSettings
from models.record import RawProduct, Record
from models.sync import Problem, ProblemKind, holds_back
from pipelines import secrets
from pipelines.database import connect
from pipelines.errors import SourceError, SourceRefused, SyncFailed
from pipelines.http import Client, Limits
from pipelines.kept_token import kept_token
from pipelines.landed import Landed, landed
from pipelines.landing import BATCH, land
from pipelines.progress import Arrived, Progress, Reading, Stage
from pipelines.received import Received
from pipelines.settings import Target
from pipelines.sources import SOURCES, Reader
from pipelines.sources.listing import Listing, Page
from pipelines.validate import Validator
from pipelines.warm import Warm

Tell = Callable[[str], None]

_Judged = Generator[list[Record], None, bool]
"""Pages' new contents as they arrive, and at their end a verdict."""

_UNCOUNTED = "no count was announced, and one reading does not prove it"


class Extraction:
    """One sync's extraction. What came of it stands in `received`, `problems`, `warnings` and `complete`.

    `product`: the source_id of the only one that is wanted. `may_vanish`: whatever is not listed may go, however much.
    `may_seal`: a secret that stands in clear may be sealed.
    """

    def __init__(
        self,
        target: Target,
        integration: Integration,
        settings: SourceSettings,
        secret: str,
        warm: Warm,
        sync_log_id: UUID,
        *,
        product: str | None = None,
        may_vanish: bool = False,
        may_seal: bool = True,
        tell: Tell,
    ) -> None:
        self.received = Received(sync_log_id, integration.id)
        self.problems: list[Problem] = []
        self.warnings: list[dict[str, Any]] = []
        self.complete = False
        self._target = target
        self._integration = integration
        self._settings = settings
        self._secret = secret
        self._warm = warm
        self._product = product
        self._may_vanish = may_vanish
        self._may_seal = may_seal
        self._tell = tell

    def run(self, arrived: Arrived, progress: Progress) -> None:
        """Extract all products, or the one asked for.

        To be called under the turn. Raises SourceError when there is nothing to go on with, SyncFailed for a
        product that the source does not list, or what `arrived` raises.
        """
        self._arrived = arrived
        self._announced = 0
        self._progress = progress
        progress.entered(Stage.READING)
        source = self._integration.type
        with connect(self._target, waiting=self._tell) as connection:
            known = landed(connection, source)
            sealed = secrets.seal_found(connection, self._integration) if self._may_seal else []
            kept = kept_token(connection, self._integration, self._settings, self._secret)
        self.warnings.extend(secrets.warnings(self._integration, sealed))
        for name in sealed:
            self._tell(f"{name} stood in clear in config: it is sealed now")
        if known:
            # A guess: other shops' contents are among them, and a landing that broke off left few.
            arrived(0, len(known))
        validator = Validator(SOURCES[source], known)
        patience = self._settings.patience_seconds
        with Client(
            self._settings.requests_per_second,
            self._settings.allow_private_address,
            limits=Limits(patience=patience, retry_budget=2 * patience, body=SOURCES[source].largest_answer),
            on_retry=self._tell,
        ) as client:
            reader = SOURCES[source].open(self._settings, self._secret, client, kept)
            asked = self._product
            records = self._everything(reader, validator) if asked is None else self._one(reader, validator, asked)
            try:
                # Closed first of all: what the listing's end would have said of its pages is said then.
                with closing(self._landing(records, known)) as arriving:
                    land(self._warm, source, self.received, arriving)
            finally:
                unkept = kept.save(self._target, self._tell)
                if unkept is not None:
                    self.warnings.append({"kind": "access token", "message": unkept})
                self._conclude()

    def _landing(self, records: Iterator[list[Record]], known: Landed) -> Generator[list[Record], None, None]:
        yield from records
        known.forget()
        self._progress.entered(Stage.LANDING)

    def _conclude(self) -> None:
        for rejected, _ in self.received.rejected.values():
            concerns = rejected.source_id or f"page {rejected.page}"
            self.problems.append(Problem(ProblemKind.REJECTED, f"A record {rejected.reason}", concerns))
        without_id = any(rejected.source_id is None for rejected, _ in self.received.rejected.values())
        self.complete = self.complete and not without_id

    def _one(self, reader: Reader, validator: Validator, product: str) -> Iterator[list[Record]]:
        yield from self._taken(reader.look_up([product]), validator)
        if not self.received.fetched:
            raise SyncFailed(f"The source does not list a product {product}: check the id, or run a full sync")

    def _everything(self, reader: Reader, validator: Validator) -> Iterator[list[Record]]:
        """The records whose content has to be landed, page by page; everything else is noted on the way."""
        first = reader.listing()
        yield from self._pass(first, validator)
        proven = first.proof.stands
        if first.proof.is_hopeless:
            self._doubted(first.proof.doubts())
        elif not proven or (not first.proof.proves and self._missing()[0]):
            proven = yield from self._second_pass(first, reader.listing(), validator)
        if proven and first.proof.distinct == 0:
            self.warnings.append({"kind": "listing", "message": "The source lists no product at all"})
        if proven and not first.proof.in_one_answer:
            proven = yield from self._looked_up(reader, validator, first.proof.announced)
        self.complete = proven

    def _second_pass(self, first: Listing, second: Listing, validator: Validator) -> _Judged:
        """Read the list again; whether that proves what the first pass could not."""
        self._tell("One reading does not prove the list whole: it is read a second time")
        self._progress.entered(Stage.READING_AGAIN)
        try:
            yield from self._pass(second, validator, again=True)
        except SourceRefused:
            raise
        except SourceError as error:
            self._doubted(first.proof.doubts() or [_UNCOUNTED], f"; a second reading failed: {error}")
            return False
        if second.proof.proves or second.proof.agrees_with(first.proof):
            self.warnings.extend(
                {"kind": "listing", "message": f"The list was read twice: {doubt}"} for doubt in first.proof.doubts()
            )
            return True
        doubts = second.proof.doubts() or first.proof.doubts() or [_UNCOUNTED]
        self._doubted(doubts, "; a second reading did not settle it")
        return False

    def _pass(self, listing: Listing, validator: Validator, *, again: bool = False) -> Iterator[list[Record]]:
        try:
            yield from self._taken(self._watched(listing), validator, again=again)
        finally:
            self.problems.extend(listing.problems)

    def _watched(self, listing: Listing) -> Iterator[Page]:
        proof = listing.proof
        for page in listing.pages():
            self._announced = proof.announced or 0
            expected = None if proof.announced is None else proof.expected_pages
            # The page that confirms the end holds nothing.
            pages = None if expected is None else max(page.number, expected - 1)
            self._progress.read(Reading(page.number, proof.distinct, pages, proof.announced))
            yield page

    def _taken(self, pages: Iterator[Page], validator: Validator, *, again: bool = False) -> Iterator[list[Record]]:
        for page in pages:
            now = datetime.now(UTC)
            new: list[Record] = []
            for raw in page.records:
                seen = validator.check(RawProduct(raw, page.number))
                if self.received.take(seen, now, again=again) and isinstance(seen, Record):
                    new.append(seen)
                if len(new) == BATCH:
                    yield new
                    new = []
            self._arrived(self.received.fetched, max(self._announced, self.received.fetched))
            yield new

    def _doubted(self, doubts: list[str], more: str = "") -> None:
        self.problems.extend(
            Problem(ProblemKind.LISTING, f"The listing is not proven complete: {doubt}{more}") for doubt in doubts
        )

    def _looked_up(self, reader: Reader, validator: Validator, announced: int | None) -> _Judged:
        """Ask for each product that is about to go by its id; whether nothing is in doubt after that.

        What the listing lacks although it is there may be the source's own way, but not where it announced more.
        """
        missing, active, going = self._missing()
        if not missing or (not self._may_vanish and holds_back(going, active, self._settings.max_deactivation_percent)):
            return True  # the guard keeps them as they are, and says so
        self._progress.entered(Stage.LOOKING_UP)
        before = set(self.received.sightings)
        try:
            yield from self._taken(reader.look_up(missing), validator, again=True)
        except SourceRefused:
            raise
        except SourceError as error:
            self._doubted([f"what is no longer listed could not be looked up by id: {error}"])
            return False
        found = len(set(self.received.sightings) - before)
        if found and announced is not None and announced > self.received.fetched:
            self._doubted([f"{announced} products were announced, {self.received.fetched} could be had"])
            return False
        if found:
            message = f"{found} products were not listed, but are there when asked for by id: they are kept"
            self.warnings.append({"kind": "listing", "message": message})
        return True

    def _missing(self) -> tuple[list[str], int, int]:
        """What no page showed though it is active or in stock; and of how many active products how many would go."""
        rejected = {one.source_id for one, _ in self.received.rejected.values()}
        missing: list[str] = []
        active = going = 0
        with connect(self._target, waiting=self._tell) as connection:
            for source_id, is_active in connection.each(
                """
                select source_id, coalesce(is_active, false)
                from products
                where source = $source and source_id is not null
                    and (coalesce(is_active, false) or coalesce(in_stock, false))
                """,
                source=self._integration.type,
            ):
                active += is_active
                if source_id not in self.received.sightings and source_id not in rejected:
                    missing.append(source_id)
                    going += is_active
        return sorted(missing), active, going
