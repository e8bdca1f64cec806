"""A page of Treez's v2 envelope as it usually is, taken apart in one reading. contracts/TREEZ.md."""

from __future__ import annotations

import re

import msgspec

from pipelines.sources import bodies
from pipelines.sources.proof import Answer


class _Data(msgspec.Struct):
    product_list: list[msgspec.Raw]
    total_count: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    resultCode: str
    data: _Data


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def usual_page(body: bytes) -> Answer | None:
    """The records of a body that reports success, unread; None for any other, which is for those who say why."""
    envelope = bodies.at_once(body, _ENVELOPE)
    if envelope is None or envelope.resultCode != "SUCCESS":
        return None
    return Answer(envelope.data.product_list, count(bytes(envelope.data.total_count)))


def count(raw: bytes | None) -> int | None:
    """A count as a number or as text; None for anything else."""
    text = (raw or b"").strip(b'" ')
    return int(text) if re.fullmatch(rb"[0-9]{1,9}", text) else None
