"""RELIABILITY.md's faults of the wire that no other test shows: certificates, names, cut bodies, odd answers."""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from models.integration import TreezSettings
from models.sync import ProblemKind
from pipelines.errors import SourceError
from pipelines.http import Client, Limits
from pipelines.sources import SOURCES
from pipelines.sources.listing import Listing
from tests.loopback import SECRET, Script, Server, Time, answer, ask, client, reset

TREEZ: Any = SOURCES["treez"]


# Certificates and names


class TlsServer(Server):
    """The server, behind a certificate of our own making for 127.0.0.1 unless told otherwise."""

    def __init__(self, authority: Authority, *scripts: Script, days: int = 1, host: str = "127.0.0.1") -> None:
        super().__init__(*scripts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate(days=days, host=host))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")


class Authority:
    """Who signs certificates; `file` is what a client that trusts it reads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority")])
        self.file = directory / "authority.pem"
        signed = self._signed(self._name, self._key, days=9, extension=x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def certificate(self, *, days: int, host: str) -> Path:
        """A certificate and its key in one file, which ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = self._signed(name, key, days=days, extension=x509.SubjectAlternativeName([known]))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self._directory / "server.pem"
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return file

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this process trusts, and no other."""
    made = Authority(tmp_path)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(made.file))
    return made


def test_a_good_certificate_is_taken(authority: Authority) -> None:
    with TlsServer(authority, answer(body=b"there")) as server, client() as made:
        assert ask(server, made).body == b"there"


@pytest.mark.parametrize("wrong", [{"days": -1}, {"host": "elsewhere.example"}], ids=["expired", "of another host"])
def test_a_certificate_that_is_not_good_ends_it_at_once(authority: Authority, wrong: dict[str, Any]) -> None:
    told: list[str] = []
    with (
        TlsServer(authority, answer(), **wrong) as server,
        client(told=told) as made,
        pytest.raises(SourceError, match=r"The certificate of 127\.0\.0\.1:[0-9]+ is not valid") as error,
    ):
        ask(server, made)
    assert (server.requests, told) == ([], [])
    assert SECRET not in str(error.value)


def test_a_certificate_of_an_authority_that_nobody_trusts(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    stranger = Authority(tmp_path / "stranger")
    with TlsServer(stranger, answer()) as server, client() as made, pytest.raises(SourceError, match="certificate"):
        ask(server, made)


@pytest.mark.parametrize(
    ("number", "words", "tries"),
    [(socket.EAI_NONAME, "There is no host nowhere.invalid", 1), (socket.EAI_AGAIN, "could not be looked up", 3)],
)
def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, number: int, words: str, tries: int) -> None:
    """A name that isn't there ends it at once; a resolver that doesn't answer is asked again."""
    asked: list[object] = []

    def resolver(host: object, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(number, "of the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with client() as made, pytest.raises(SourceError, match=words):
        made.request("GET", "https://nowhere.invalid/")
    assert len(asked) >= tries
    assert tries > 1 or len(asked) == 1


@pytest.mark.parametrize("port", ["99999", "abc"])
def test_a_port_that_is_none(port: str) -> None:
    with client() as made, pytest.raises(SourceError, match="is no http or https address"):
        made.request("GET", f"http://127.0.0.1:{port}/")


def test_a_redirect_to_itself_is_asked_once() -> None:
    with Server(answer(302, Location="/list?page=1")) as server, client() as made:
        with pytest.raises(SourceError, match="redirects"):
            ask(server, made)
        assert len(server.requests) == 1


# Bodies that are cut, or go on


def part_and_reset(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n[1, 2")
    reset(connection)


def chunks_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def chunk_of_no_length(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n[1, 2\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def chunk_of_less_than_nothing(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n[1, 2]\r\n0\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def two_lengths(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]")
    connection.shutdown(socket.SHUT_RDWR)


def no_status(connection: socket.socket) -> None:
    connection.sendall(b"[1, 2]\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def headers_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(300)) + b"\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def gzip_cut_short(connection: socket.socket) -> None:
    body = gzip.compress(b"x" * 100_000)[:-20]
    head = f"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: {len(body) + 20}\r\n\r\n"
    connection.sendall(head.encode() + body)
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "cut",
    [
        part_and_reset, chunks_without_end, chunk_of_no_length, chunk_of_less_than_nothing, two_lengths, no_status,
        headers_without_end, gzip_cut_short,
    ],
)  # fmt: skip
def test_a_body_that_is_cut_is_asked_for_again(cut: Script) -> None:
    told: list[str] = []
    with Server(cut, answer(body=b"whole")) as server, client(told=told) as made:
        assert ask(server, made).body == b"whole"
    assert len(told) == 1


def test_silence_after_the_headers_is_a_timeout() -> None:
    def hang(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n")
        server.silence(connection)

    server = Server(hang, answer(body=b"whole"))
    with server, client(read=0.1) as made:
        assert ask(server, made).body == b"whole"


def test_what_follows_a_body_never_reaches_the_next_answer() -> None:
    longer = answer(body=b'["mine"]HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil', length=8)

    def and_keep_open(connection: socket.socket) -> bool:
        longer(connection)
        return True

    with Server(and_keep_open, answer()) as server, client() as made:
        assert ask(server, made).body == b'["mine"]'
        assert ask(server, made).body == b"ok"


def test_a_kept_connection_that_the_server_closed_costs_at_most_a_try() -> None:
    def and_close(connection: socket.socket) -> bool:
        answer(body=b"first")(connection)
        connection.shutdown(socket.SHUT_RDWR)
        return False

    told: list[str] = []
    with Server(and_close, answer(body=b"second")) as server, client(told=told) as made:
        assert [ask(server, made).body for _ in range(2)] == [b"first", b"second"]
    assert server.connections == 2
    assert len(told) <= 1


def test_a_wish_to_wait_is_honoured_with_503_as_well() -> None:
    time = Time()
    with Server(answer(503, Retry_After="7"), answer()) as server, client(time) as made:
        ask(server, made)
    assert 7 <= sum(time.slept) < 7.1


# What a page's answer may be


@contextmanager
def reading(server: Server, api: str) -> Iterator[Any]:
    """A reader of the shop that the server plays, one request at a time."""
    settings = TreezSettings.model_validate(
        {
            "api": api,
            "base_url": server.url.removesuffix("/list"),
            "dispensary_id": "acme",
            "client_id": "somebody" if api == "treez-v2" else None,
            "api_key": SECRET,
            "allow_private_address": True,
        }
    )
    time = Time()
    with Client(1000, True, limits=Limits(concurrency=1), clock=time.clock, sleep=time.sleep) as made:
        yield TREEZ.open(settings, SECRET, made)


def listed(server: Server, *, api: str = "bearer") -> tuple[Listing, list[dict[str, Any]]]:
    with reading(server, api) as reader:
        listing = reader.listing()
        return listing, [json.loads(record) for page in listing.pages() for record in page.records]


def products(*ids: str) -> bytes:
    return json.dumps([{"product_id": each, "name": each} for each in ids]).encode()


@pytest.mark.parametrize("status", [202, 204, 206, 304, 402, 409, 410, 418, 423, 451])
def test_a_status_that_means_nothing_here_is_no_page(status: int) -> None:
    body = b"" if status in (204, 304) else products("a")
    with Server(answer(status, body)) as server, pytest.raises(SourceError) as error:
        listed(server)
    assert f"HTTP {status}" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("status", [204, 409, 423])
def test_a_later_page_of_such_a_status_is_lost_and_named(status: int) -> None:
    with Server(answer(200, products("a", "b")), answer(status, b"")) as server:
        listing, records = listed(server)
    assert [record["product_id"] for record in records] == ["a", "b"]
    assert not listing.proof.stands
    problem = listing.problems[0]
    assert (problem.kind, problem.concerns) == (ProblemKind.PAGE, "page 2")
    assert f"HTTP {status}" in problem.message


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "nonsense"])
def test_a_body_is_utf_8_whatever_its_label_says(charset: str) -> None:
    body = '[{"product_id":"a","name":"Crème brûlée 🌿"}]'.encode()
    labelled = answer(body=body, Content_Type=f"application/json; charset={charset}")
    with Server(labelled, answer(body=b"[]")) as server:
        _, records = listed(server)
    assert records == [{"product_id": "a", "name": "Crème brûlée 🌿"}]


@pytest.mark.parametrize("encoding", ["br", "identity2", "zstd"])
def test_a_body_in_an_encoding_that_was_not_asked_for_is_no_page(encoding: str) -> None:
    with (
        Server(answer(body=b"\x0b\x02\x80[]\x03", Content_Encoding=encoding)) as server,
        pytest.raises(SourceError, match="Page 1 of the product list could not be had"),
    ):
        listed(server)


@pytest.mark.parametrize("announced", ["2", '"2"'])
def test_a_count_may_be_text(announced: str) -> None:
    body = b'{"products":' + products("a", "b") + b',"total_count":' + announced.encode() + b"}"
    with Server(answer(body=body), answer(body=b"[]")) as server:
        listing, _ = listed(server)
    assert (listing.proof.announced, listing.proof.stands) == (2, True)


@pytest.mark.parametrize("announced", ["null", "-2", "2.5", '"many"', "[2]", "99999999999999999999"])
def test_a_count_that_is_none_is_as_if_it_were_missing(announced: str) -> None:
    body = b'{"products":' + products("a", "b") + b',"total_count":' + announced.encode() + b"}"
    with Server(answer(body=body), answer(body=b"[]")) as server:
        listing, _ = listed(server)
    assert (listing.proof.announced, listing.proof.stands) == (None, True)


def test_a_product_that_is_not_found_is_no_error() -> None:
    with Server(answer(404, b"no")) as server, reading(server, "bearer") as reader:
        assert list(reader.look_up(["p1"])) == []
    empty = answer(body=envelope(total_count=0, product_list=[]))
    with Server(answer(body=TOKEN), empty) as server, reading(server, "treez-v2") as reader:
        assert list(reader.look_up(["p1"])) == []


# The token


TOKEN = b'{"resultCode": "SUCCESS", "access_token": "t", "expires_in": "7200"}'


def envelope(**data: Any) -> bytes:
    return json.dumps({"resultCode": "SUCCESS", "data": data}).encode()


@pytest.mark.parametrize(
    "life",
    [
        {},
        {"expires_in": None},
        {"expires_in": "0"},
        {"expires_in": "-7200"},
        {"expires_in": "soon"},
        {"expires_in": "7200", "expires_at": "1999-01-01T00:00:00.000-0800"},
        {"expires_in": "7200", "expires_at": "9999-12-31T23:59:59.000-0800"},
        {"expires_at": "yesterday"},
    ],
)
def test_a_token_whose_life_is_not_told_or_over_is_not_asked_for_again_and_again(life: dict[str, Any]) -> None:
    """expires_at is never read: it would need clocks that agree. A life that can't be is taken for two hours."""
    token = json.dumps({"resultCode": "SUCCESS", "access_token": "t", **life}).encode()
    page = envelope(total_count=2, product_list=[{"product_id": "a"}, {"product_id": "b"}])
    end = envelope(total_count=0, product_list=[])
    with Server(answer(body=token), answer(body=page), answer(body=end)) as server:
        listing, records = listed(server, api="treez-v2")
    assert listing.proof.stands and len(records) == 2
    assert sum(b"POST " in request for request in server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"resultCode":"SUCCESS"}',
        b'{"resultCode":"SUCCESS","access_token":" "}',
    ],
)
def test_a_token_that_is_none(body: bytes) -> None:
    with Server(answer(body=body)) as server, pytest.raises(SourceError, match="The access token could not be had"):
        listed(server, api="treez-v2")
    assert not any(b"GET " in request for request in server.requests)
