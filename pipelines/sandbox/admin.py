"""The admin endpoint, for tests in any language: read and set the shop's state, change its products."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pipelines.errors import ConfigurationError
from pipelines.sandbox.message import Answer, Request
from pipelines.sandbox.poison import rendered

if TYPE_CHECKING:
    from pipelines.sandbox.server import Sandbox

PREFIX = "/_admin"

_PRODUCT = re.compile(PREFIX + r"/products/([^/]+)")


def concerns(request: Request) -> bool:
    """Whether a request is for the admin endpoint: it needs no key, and is neither counted, paced nor hit by faults."""
    return request.target == PREFIX or request.target.startswith((PREFIX + "/", PREFIX + "?"))


def answer(sandbox: Sandbox, request: Request) -> Answer:
    """The answer to a request for the admin endpoint (docs/sandbox.md)."""
    path = urlsplit(request.target).path.rstrip("/")
    try:
        if found := _PRODUCT.fullmatch(path):
            return _product(sandbox, request, unquote(found[1]))
        action = _ACTIONS.get((request.method, path))
        return _wrong(404, f"no such thing: {request.method} {path}") if action is None else action(sandbox, request)
    except ConfigurationError as error:
        return _wrong(400, str(error))


def _state(sandbox: Sandbox, request: Request) -> Answer:
    return _json(sandbox.state())


def _set(sandbox: Sandbox, request: Request) -> Answer:
    sandbox.set(**_object(request))
    return _json(sandbox.state())


def _counters(sandbox: Sandbox, request: Request) -> Answer:
    return _json(sandbox.counters())


def _reset(sandbox: Sandbox, request: Request) -> Answer:
    sandbox.reset_counters()
    return _json(sandbox.counters())


def _requests(sandbox: Sandbox, request: Request) -> Answer:
    return _json([{"at": at, "method": method, "target": target} for at, method, target in tuple(sandbox.requests)])


def _add(sandbox: Sandbox, request: Request) -> Answer:
    record = _object(request)
    identity = record.get("product_id")
    if not isinstance(identity, str) or not identity:
        raise ConfigurationError("A product needs a product_id, a text")
    sandbox.put_product(record)
    return _json(record, 201)


def _product(sandbox: Sandbox, request: Request, identity: str) -> Answer:
    known = sandbox.product(identity)
    if request.method == "PUT":
        sandbox.put_product({**_object(request), "product_id": identity})
        return _json(sandbox.product(identity), 200 if known is not None else 201)
    if known is None:
        return _wrong(404, f"no product has the id {identity}")
    if request.method == "PATCH":
        sandbox.put_product({**_merged(known, _object(request)), "product_id": identity})
    elif request.method == "DELETE":
        sandbox.remove_product(identity)
        return _json(known)
    elif request.method != "GET":
        return _wrong(405, f"{request.method} is none of GET, PUT, PATCH, DELETE")
    return _json(sandbox.product(identity))


_ACTIONS: Mapping[tuple[str, str], Callable[[Sandbox, Request], Answer]] = {
    ("GET", PREFIX): _state,
    ("POST", PREFIX): _set,
    ("GET", f"{PREFIX}/counters"): _counters,
    ("DELETE", f"{PREFIX}/counters"): _reset,
    ("GET", f"{PREFIX}/requests"): _requests,
    ("POST", f"{PREFIX}/products"): _add,
}


def _object(request: Request) -> dict[str, Any]:
    try:
        sent = json.loads(request.body)
    except ValueError as error:
        raise ConfigurationError(f"The body is no JSON: {error}") from error
    if not isinstance(sent, dict):
        raise ConfigurationError("The body is no JSON object")
    return sent


def _merged(value: Any, patch: Any) -> Any:
    """RFC 7386's merge patch: objects are merged, null removes, anything else takes the place."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(value) if isinstance(value, dict) else {}
    for name, new in patch.items():
        if new is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), new)
    return kept


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, rendered(value))


def _wrong(status: int, message: str) -> Answer:
    return _json({"error": message}, status)
