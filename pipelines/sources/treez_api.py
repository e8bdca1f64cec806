"""Treez's API in its dialects treez-v2 and bearer: pages, products by id, the token, what each answer means.

The contract is contracts/TREEZ.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from models.integration import TreezSettings
from pipelines.errors import PageError, SourceError, SourceRefused
from pipelines.http import Client, Params, Response
from pipelines.sources import bodies
from pipelines.sources.proof import Answer
from pipelines.sources.token import KeptToken, Token
from pipelines.sources.treez_page import count, usual_page

TOKEN_LIFE = 2 * 60 * 60
"""Seconds; where the answer does not say how long a token lives."""

MOST_IDS = 50
"""Products that one call may ask for by their ids (TREEZ.md, product_list parameters)."""

_LONGEST_QUERY = 4_000
"""Characters of ids in one address: ours are UUIDs, but an id may have 300."""

Identify = Callable[[bytes], str | None]


class Dialect(ABC):
    """One dispensary as a dialect of the API reaches it; everything may be called from several threads."""

    root = ""
    listing = ""

    def __init__(self, settings: TreezSettings, secret: str, client: Client, kept: KeptToken | None = None) -> None:
        self._settings = settings
        self._secret = secret
        self._client = client
        self._address = f"{settings.base_url.rstrip('/')}{self.root}/{settings.dispensary_id}"

    def page(self, number: int) -> Answer:
        """Page `number` of the product list. Raises SourceRefused, SourceError."""
        params: Params = {"active": "ALL", **self._paging(number)}
        if self._settings.page_size is not None:
            params["pagesize"] = str(self._settings.page_size)
        return self._ask(f"Page {number} of the product list", self.listing, params, partial(self._answer, number))

    @abstractmethod
    def batches(self, source_ids: Sequence[str]) -> Iterator[Sequence[str]]:
        """The ids in the portions that `look_up` takes."""

    @abstractmethod
    def look_up(self, source_ids: Sequence[str], identify: Identify) -> list[bytes]:
        """The records of these ids, of one portion, that the dispensary still has. Raises as `page` does."""

    @abstractmethod
    def _ask(self, what: str, path: str, params: Params, read: Callable[[Response], Answer | None]) -> Answer:
        """The answer that `read` makes, None of it meaning that the credentials were refused."""

    def _sent(
        self, what: str, path: str, params: Params, read: Callable[[Response], Answer | None], headers: dict[str, str]
    ) -> Answer | None:
        return self._client.ask(
            what,
            "GET",
            self._address + path,
            headers=headers,
            params=params,
            shop=self._settings.dispensary_id,
            read=read,
        )

    def _paging(self, number: int) -> dict[str, str]:
        return {"page": str(number)}

    def _answer(self, number: int, response: Response) -> Answer | None:
        if response.status in (401, 403):
            return None
        if response.status == 404 and number == 1:
            raise self._unknown_dispensary()
        if response.status == 400 and number > 1:
            return Answer([], past_end=True)
        if response.status != 200:
            raise PageError(f"HTTP {response.status}{self._reason(response.body)}", number)
        try:
            return self._read(bodies.trimmed(response.body))
        except bodies.NotJson as error:
            raise PageError(bodies.what_it_is(response.body) or f"the answer {error}", number) from error

    @abstractmethod
    def _read(self, body: bytes) -> Answer:
        """What a body of HTTP 200 holds. Raises PageError, bodies.NotJson."""

    def _by_id(self, number: int, response: Response) -> Answer | None:
        """As `_answer`; what isn't there may also be refused (TREEZ.md, Failures): then an answer past the end."""
        if response.status in (400, 404) and "PRODUCT_NOT_FOUND" in self._reason(response.body):
            return Answer([], past_end=True)
        return self._answer(number if number > 1 else 0, response)

    def _envelope(self, parts: dict[str, bytes]) -> Answer:
        """The v2 envelope (TREEZ.md): failure comes in it too, also with HTTP 200."""
        result = bodies.lenient(parts.get("resultCode", b"null"))
        if result != "SUCCESS":
            raise PageError(f"the answer says {self._quoted(result)}{self._because(parts)}")
        data = bodies.members(parts.get("data", b"null"))
        announced = count(data.get("total_count"))
        return Answer(bodies.items(data.get("product_list", b"null")), announced)

    def _reason(self, body: bytes) -> str:
        """What a failing answer gives as its reason, where it is an envelope."""
        try:
            return self._because(bodies.members(bodies.trimmed(body)))
        except bodies.NotJson:
            return ""

    def _because(self, parts: dict[str, bytes]) -> str:
        reason = bodies.lenient(parts.get("resultReason", b"null"))
        return f" ({self._quoted(reason)})" if reason else ""

    def _quoted(self, value: Any) -> str:
        """Words of the source, in one short line; should they repeat a secret, without it."""
        text = " ".join(str(value).encode("utf-8", "replace").decode().split())
        for secret in self._secrets():
            text = text.replace(secret, "…")
        return text[:120]

    def _secrets(self) -> list[str]:
        return [secret for secret in (self._secret, self._settings.client_id) if secret]

    def _refused(self, how: str) -> SourceRefused:
        return SourceRefused(
            f"Treez refuses the key for dispensary {self._settings.dispensary_id} ({how}): check api_key and client_id "
            "of the integration, and ask Treez whether they may read this shop's products"
        )

    def _unknown_dispensary(self) -> SourceRefused:
        return SourceRefused(
            f"There is no dispensary {self._settings.dispensary_id} at {self._settings.base_url} (HTTP 404): check "
            "dispensary_id, the first word of the shop's own Treez address, and base_url of the integration"
        )


class Bearer(Dialect):
    """The user's own description: the key goes with each request, the list may come whole at once."""

    root = "/v2/dispensary"
    listing = "/products"

    def batches(self, source_ids: Sequence[str]) -> Iterator[Sequence[str]]:
        return ([source_id] for source_id in source_ids)

    def look_up(self, source_ids: Sequence[str], identify: Identify) -> list[bytes]:
        (source_id,) = source_ids
        if source_id in (".", ".."):
            raise PageError(f"Product {source_id} can't be asked for: as a path its id means another address")
        path = f"{self.listing}/{quote(source_id, safe='')}"
        records = self._ask(f"Product {source_id}", path, {}, self._one).copied()
        _check_asked(records, source_ids, identify)
        return records

    def _ask(self, what: str, path: str, params: Params, read: Callable[[Response], Answer | None]) -> Answer:
        answer = self._sent(what, path, params, read, {"Authorization": f"Bearer {self._secret}"})
        if answer is None:
            raise self._refused("HTTP 401 or 403")
        return answer

    def _one(self, response: Response) -> Answer | None:
        """One product: the record itself, alone in an array, or in `product` or `data` of an object."""
        if response.status == 404:
            return Answer([])
        if response.status != 200:
            return self._by_id(1, response)
        body = bodies.trimmed(response.body)
        try:
            if body.startswith(b"["):
                return Answer(bodies.items(body))
            parts = bodies.members(body)
        except bodies.NotJson as error:
            raise PageError(bodies.what_it_is(response.body) or f"the answer {error}") from error
        return Answer([next((parts[name] for name in ("product", "data") if name in parts), body)])

    def _paging(self, number: int) -> dict[str, str]:
        return super()._paging(number) if number > 1 else {}

    def _read(self, body: bytes) -> Answer:
        if body.startswith(b"["):
            return Answer(bodies.items(body))
        parts = bodies.members(body)
        if "products" in parts:
            return Answer(bodies.items(parts["products"]), count(parts.get("total_count")))
        if "resultCode" in parts:
            return self._envelope(parts)
        raise PageError("the answer is neither an array of products nor an object with products")


class V2(Dialect):
    """The published Product API v2: a token for the whole sync, numbered pages, envelopes."""

    root = "/v2.0/dispensary"
    listing = "/product/product_list"

    def __init__(self, settings: TreezSettings, secret: str, client: Client, kept: KeptToken | None = None) -> None:
        super().__init__(settings, secret, client)
        self._token = Token(self._new_token, client.clock, kept)

    def batches(self, source_ids: Sequence[str]) -> Iterator[Sequence[str]]:
        batch: list[str] = []
        for source_id in source_ids:
            if len(batch) == MOST_IDS or sum(map(len, batch)) + len(source_id) > _LONGEST_QUERY:
                yield batch
                batch = []
            batch.append(source_id)
        if batch:
            yield batch

    def look_up(self, source_ids: Sequence[str], identify: Identify) -> list[bytes]:
        records: list[bytes] = []
        found: set[str | None] = set()
        number = 1
        while True:
            params: Params = {"active": "ALL", "page": str(number), "id": list(source_ids)}
            what = f"The look-up of {len(source_ids)} products by id"
            answer = self._ask(what, self.listing, params, partial(self._by_id, number))
            if answer.past_end and number == 1 and len(source_ids) > 1:
                half = len(source_ids) // 2
                return self.look_up(source_ids[:half], identify) + self.look_up(source_ids[half:], identify)
            came = answer.copied()
            _check_asked(came, source_ids, identify)
            fresh = {identify(record) for record in came} - found
            if not fresh:
                return records
            records += came
            found |= fresh
            announced = len(source_ids) if answer.announced is None else answer.announced
            if len(found) >= min(announced, len(source_ids)):
                return records
            number += 1

    def _ask(self, what: str, path: str, params: Params, read: Callable[[Response], Answer | None]) -> Answer:
        token = self._token.current()
        answer = self._sent(what, path, params, read, self._headers(token))
        while answer is None:
            renewed = self._token.instead_of(token)
            if renewed is None:
                raise self._refused("HTTP 401 or 403, with a new token as well")
            token = renewed
            answer = self._sent(what, path, params, read, self._headers(token))
        return answer

    def _headers(self, token: str) -> dict[str, str]:
        return {"authorization": token, "client_id": self._settings.client_id or ""}

    def _read(self, body: bytes) -> Answer:
        return usual_page(body) or self._envelope(bodies.members(body))

    def _secrets(self) -> list[str]:
        return super()._secrets() + self._token.given

    def _new_token(self) -> tuple[str, float]:
        return self._client.ask(
            "The access token",
            "POST",
            f"{self._address}/config/api/gettokens",
            data={"client_id": self._settings.client_id or "", "apikey": self._secret},
            shop=self._settings.dispensary_id,
            read=self._token_in,
        )

    def _token_in(self, response: Response) -> tuple[str, float]:
        """The token and its life in seconds; expires_at is not used, for it needs clocks that agree."""
        if response.status == 404:
            raise self._unknown_dispensary()
        if response.status in (400, 401, 403):
            raise self._refused(f"HTTP {response.status}")
        try:
            parts = bodies.members(bodies.trimmed(response.body))
            result = bodies.lenient(parts.get("resultCode", b"null"))
            token = bodies.lenient(parts.get("access_token", b"null"))
        except bodies.NotJson as error:
            raise SourceError(bodies.what_it_is(response.body) or f"the answer {error}") from error
        if result == "FAIL":
            raise self._refused(f"it says FAIL{self._because(parts)}")
        if result != "SUCCESS" or not isinstance(token, str) or not token.strip():
            raise SourceError(f"HTTP {response.status}, and no token in the answer")
        return token.strip(), float(count(parts.get("expires_in")) or TOKEN_LIFE)


def _check_asked(records: Sequence[bytes], source_ids: Sequence[str], identify: Identify) -> None:
    """Raise PageError unless these ids were what was answered: else a product not found there proves nothing."""
    strange = {identify(record) for record in records} - set(source_ids)
    if strange:
        raise PageError(f"asked for by id, the source answered other products ({len(strange)}) than those asked for")
