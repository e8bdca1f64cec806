"""Treez: its dialects, its token, its pages. The contract is contracts/TREEZ.md."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from models.integration import TreezSettings
from pipelines.errors import CredentialsRefused, PageError, SourceError
from pipelines.http import Client, Response
from pipelines.sources import bodies
from pipelines.sources.listing import Listing
from pipelines.sources.proof import Answer
from pipelines.sources.token import Token

LONGEST_ID = 300
"""In characters; a Treez product_id is a UUID of 36."""

SMALLEST_FULL_PAGE = 50
"""The smallest of the page sizes that Treez documents (TREEZ.md, Paging)."""

TOKEN_LIFE = 2 * 60 * 60
"""Seconds; where the answer does not say how long a token lives."""


class Treez:
    """The source `treez`, for the dialects treez-v2 and bearer."""

    def read(self, settings: TreezSettings, secret: str, http_client: Client) -> Listing:
        """A reading of all products of a dispensary, deactivated ones included (`active=ALL`)."""
        dialect = _V2 if settings.api == "treez-v2" else _Bearer
        return Listing(
            dialect(settings, secret.strip(), http_client).page,
            self._identity,
            ahead=http_client.limits.concurrency,
            unpaged=settings.api == "bearer",
            smallest_full_page=1 if settings.api == "bearer" else min(settings.page_size or 50, SMALLEST_FULL_PAGE),
        )

    def source_id(self, record: dict[str, Any]) -> str | None:
        """`product_id`: text of 1 to 300 characters, or a whole number."""
        value = record.get("product_id")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        trimmed = value.strip() if isinstance(value, str) else ""
        return trimmed if 0 < len(trimmed) <= LONGEST_ID else None

    def name(self, record: dict[str, Any]) -> str | None:
        """e_commerce.menu_title where it is set, else product_configurable_fields.name, else a flat record's name."""
        for value in (
            _member(record, "e_commerce", "menu_title"),
            _member(record, "product_configurable_fields", "name"),
            record.get("name"),
        ):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            text = str(value).strip() if is_number or isinstance(value, str) else ""
            if text:
                return text
        return None

    def _identity(self, record: bytes) -> str | None:
        try:
            found = _IDENTITY.decode(record)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        return self.source_id({"product_id": found.product_id})


class _Identity(msgspec.Struct):
    product_id: str | int | None = None


_IDENTITY = msgspec.json.Decoder(_Identity)


def _member(record: dict[str, Any], outer: str, inner: str) -> Any:
    value = record.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


class _Dialect:
    """One dispensary as a dialect of the API reaches it; `page` may be called from several threads."""

    root = ""
    listing = ""

    def __init__(self, settings: TreezSettings, secret: str, client: Client) -> None:
        self._settings = settings
        self._secret = secret
        self._client = client
        self._address = f"{settings.base_url.rstrip('/')}{self.root}/{settings.dispensary_id}"

    def page(self, number: int) -> Answer:
        """Page `number` of the product list. Raises CredentialsRefused, SourceError."""
        raise NotImplementedError

    def _ask_for(self, number: int, headers: dict[str, str]) -> Answer | None:
        """The page, or None where these headers are refused (401, 403)."""
        params = {"active": "ALL", **self._paging(number)}
        if self._settings.page_size is not None:
            params["pagesize"] = str(self._settings.page_size)
        return self._client.ask(
            f"Page {number} of the product list",
            "GET",
            self._address + self.listing,
            headers=headers,
            params=params,
            shop=self._settings.dispensary_id,
            read=lambda response: self._answer(number, response),
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
            raise PageError(_what_it_is(response.body) or f"the answer {error}", number) from error

    def _read(self, body: bytes) -> Answer:
        raise NotImplementedError

    def _envelope(self, parts: dict[str, bytes]) -> Answer:
        """The v2 envelope (TREEZ.md): failure comes in it too, also with HTTP 200."""
        result = bodies.lenient(parts.get("resultCode", b"null"))
        if result != "SUCCESS":
            raise PageError(f"the answer says {self._quoted(result)}{self._because(parts)}")
        data = bodies.members(parts.get("data", b"null"))
        announced = _count(data.get("total_count"))
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

    def _refused(self, how: str) -> CredentialsRefused:
        return CredentialsRefused(
            f"Treez refuses the key for dispensary {self._settings.dispensary_id} ({how}): check api_key and client_id "
            "of the integration, and ask Treez whether they may read this shop's products"
        )

    def _unknown_dispensary(self) -> CredentialsRefused:
        return CredentialsRefused(
            f"There is no dispensary {self._settings.dispensary_id} at {self._settings.base_url} (HTTP 404): check "
            "dispensary_id, the first word of the shop's own Treez address, and base_url of the integration"
        )


class _Bearer(_Dialect):
    """The user's own description: the key goes with each request, the list may come whole at once."""

    root = "/v2/dispensary"
    listing = "/products"

    def page(self, number: int) -> Answer:
        answer = self._ask_for(number, {"Authorization": f"Bearer {self._secret}"})
        if answer is None:
            raise self._refused("HTTP 401 or 403")
        return answer

    def _paging(self, number: int) -> dict[str, str]:
        return super()._paging(number) if number > 1 else {}

    def _read(self, body: bytes) -> Answer:
        if body.startswith(b"["):
            return Answer(bodies.items(body))
        parts = bodies.members(body)
        if "products" in parts:
            return Answer(bodies.items(parts["products"]), _count(parts.get("total_count")))
        if "resultCode" in parts:
            return self._envelope(parts)
        raise PageError("the answer is neither an array of products nor an object with products")


class _V2(_Dialect):
    """The published Product API v2: a token for the whole sync, numbered pages, envelopes."""

    root = "/v2.0/dispensary"
    listing = "/product/product_list"

    def __init__(self, settings: TreezSettings, secret: str, client: Client) -> None:
        super().__init__(settings, secret, client)
        self._token = Token(self._new_token, client.clock)

    def page(self, number: int) -> Answer:
        token = self._token.current()
        answer = self._ask_for(number, self._headers(token))
        while answer is None:
            renewed = self._token.instead_of(token)
            if renewed is None:
                raise self._refused("HTTP 401 or 403, with a new token as well")
            token = renewed
            answer = self._ask_for(number, self._headers(token))
        return answer

    def _headers(self, token: str) -> dict[str, str]:
        return {"authorization": token, "client_id": self._settings.client_id or ""}

    def _read(self, body: bytes) -> Answer:
        return self._envelope(bodies.members(body))

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
            raise SourceError(_what_it_is(response.body) or f"the answer {error}") from error
        if result == "FAIL":
            raise self._refused(f"it says FAIL{self._because(parts)}")
        if result != "SUCCESS" or not isinstance(token, str) or not token.strip():
            raise SourceError(f"HTTP {response.status}, and no token in the answer")
        return token.strip(), float(_count(parts.get("expires_in")) or TOKEN_LIFE)


def _count(raw: bytes | None) -> int | None:
    """A count as a number or as text; None for anything else."""
    text = (raw or b"").strip(b'" ')
    return int(text) if re.fullmatch(rb"[0-9]{1,9}", text) else None


def _what_it_is(body: bytes) -> str | None:
    """What a body is that is no JSON, in words."""
    text = bodies.trimmed(body)
    if not text:
        return "the answer is empty"
    return "the answer is a web page (HTML), no data" if text.startswith(b"<") else None
