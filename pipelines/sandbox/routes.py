"""What a path asks for: the addresses of both dialects, as clients write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

COUNTING = re.compile(r"[1-9][0-9]{0,8}")

_SHOP_V2, _SHOP_BEARER = r"/v2\.0/dispensary/(?P<shop>[^/]+)", r"/v2/dispensary/(?P<shop>[^/]+)"
_ROUTES = (
    ("token", "v2", re.compile(_SHOP_V2 + r"/config/api/gettokens/?")),
    ("listing", "v2", re.compile(_SHOP_V2 + r"/product/product_list/?")),
    ("updated", "v2", re.compile(_SHOP_V2 + r"/product/product_list/lastUpdated/after/(?P<after>[^/]+)/?")),
    ("product", "v2", re.compile(_SHOP_V2 + r"/product/(?P<product>[^/]+)/?")),
    ("listing", "bearer", re.compile(_SHOP_BEARER + r"/products/?")),
    ("product", "bearer", re.compile(_SHOP_BEARER + r"/products/(?P<product>[^/]+)/?")),
)


@dataclass(frozen=True, slots=True)
class Route:
    """What a request asks for: "token", "listing", "lookup" (a listing with `id`), "updated", "product" or "other";
    query parameters by name, the last one counts."""

    asked_for: str
    dialect: str = "v2"
    dispensary: str = ""
    product_id: str = ""
    after: str = ""
    query: Mapping[str, list[str]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """A parameter; the default where it is not there."""
        return self.query.get(name, [default])[-1]

    @property
    def ids(self) -> list[str]:
        """The ids of `id`: repeated, or separated by commas."""
        return [identity for given in self.query.get("id", ()) for identity in given.split(",") if identity]

    @property
    def page(self) -> int | None:
        """The page asked for; None where that is no page. The bearer dialect's first answer is page 1."""
        text = self.get("page", "1" if self.dialect == "bearer" else "")
        return int(text) if COUNTING.fullmatch(text) else None


def find(target: str) -> Route:
    """What a request target asks for; doubled slashes count as one."""
    parts = urlsplit(re.sub("^/+", "/", target))
    path = re.sub("/{2,}", "/", parts.path)
    query = parse_qs(parts.query, keep_blank_values=True)
    for asked_for, dialect, pattern in _ROUTES:
        if found := pattern.fullmatch(path):
            named = {name: unquote(text) for name, text in found.groupdict().items()}
            kind = "lookup" if asked_for == "listing" and dialect == "v2" and query.get("id") else asked_for
            return Route(kind, dialect, named["shop"], named.get("product", ""), named.get("after", ""), query)
    return Route("other", query=query)
