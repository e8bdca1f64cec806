"""The faults that change a good answer's bytes, or how they travel."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from pipelines.sandbox.armed import Fault
from pipelines.sandbox.message import Answer, enveloped

MEGABYTE = 1024 * 1024

SHAPES: Mapping[str, bytes] = {
    "array": b"[]",
    "null": b"null",
    "text": b'"try again"',
    "number": b"7",
    "no-data": b'{"resultCode":"SUCCESS","resultReason":null,"resultDetail":null}',
    "no-list": enveloped(b'{"page_count":0,"total_count":0}'),
    "list-object": enveloped(b'{"page_count":1,"total_count":1,"product_list":{"0":{}}}'),
    "strange-list": enveloped(b'{"page_count":5,"total_count":5,"product_list":[null,1,"text",[],true]}'),
}


@lru_cache(maxsize=4)
def gzip_bomb(megabytes: int) -> bytes:
    """An empty listing, and behind it so many megabytes of blanks: JSON to whoever unpacks it all.

    Compressed a megabyte at a time, each ended by a full flush, so that the same block may stand there again and again.
    """
    start, blanks = enveloped(b'{"page_count":0,"total_count":0,"product_list":[]}'), b" " * MEGABYTE
    checksum = zlib.crc32(start)
    for _ in range(megabytes):
        checksum = zlib.crc32(blanks, checksum)
    block, size = _flushed(blanks) * megabytes, len(start) + megabytes * MEGABYTE
    ended = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + _flushed(start) + block + ended + struct.pack("<II", checksum, size & 0xFFFFFFFF)


def _flushed(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


def _with_header(answer: Answer, name: str, value: str) -> Answer:
    return replace(answer, headers=(*answer.headers, (name, value)))


def _cut_chunked(answer: Answer, fault: Fault) -> Answer:
    half = answer.body[: len(answer.body) // 2]
    framed = b"%x\r\n" % len(answer.body) + half
    return replace(_with_header(answer, "Transfer-Encoding", "chunked"), body=framed, ending="closed")


def _short_length(answer: Answer, fault: Fault) -> Answer:
    return replace(_with_header(answer, "Content-Length", str(len(answer.body) // 2)), ending="closed")


def _bomb(answer: Answer, fault: Fault) -> Answer:
    return replace(_with_header(answer, "Content-Encoding", "gzip"), body=gzip_bomb(fault.number("mb")))


def _seconds(fault: Fault) -> float:
    return fault.number("ms") / 1000


def _half(answer: Answer) -> int:
    return len(answer.body) // 2


MANGLED: Mapping[str, Callable[[Answer, Fault], Answer]] = {
    "wrong-shape": lambda answer, fault: replace(answer, body=SHAPES[str(fault.options["as"])]),
    "bad-json": lambda answer, fault: replace(answer, body=answer.body[: _half(answer)]),
    "invalid-json": lambda answer, fault: replace(answer, body=answer.body[:-1] + b"," + answer.body[-1:]),
    "trailing-junk": lambda answer, fault: replace(answer, body=answer.body + b"\n<!-- 0.21 s -->"),
    "bom": lambda answer, fault: replace(answer, body=b"\xef\xbb\xbf" + answer.body),
    "utf-16": lambda answer, fault: replace(answer, body=answer.body.decode("utf-8", "replace").encode("utf-16")),
    "gzip-bomb": _bomb,
    "wrong-encoding": lambda answer, fault: _with_header(answer, "Content-Encoding", str(fault.options["as"])),
    "wrong-charset": lambda answer, fault: replace(
        answer, content_type=f"application/json;charset={fault.options['as']}"
    ),
    "short-length": _short_length,
    "cut-chunked": _cut_chunked,
    "cut-body": lambda answer, fault: replace(answer, sent=_half(answer)),
    "reset-body": lambda answer, fault: replace(answer, sent=_half(answer), ending="reset"),
    "hang": lambda answer, fault: replace(answer, sent=0, ending="hang"),
    "keep-alive-closed": lambda answer, fault: replace(answer, ending="closed"),
    "slow-headers": lambda answer, fault: replace(answer, head_pause=_seconds(fault)),
    "drip": lambda answer, fault: replace(answer, byte_pause=_seconds(fault)),
}
"""In the order in which several of them are applied."""
