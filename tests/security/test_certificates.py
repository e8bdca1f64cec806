"""TLS: the name is greeted and checked, wherever it leads; a greeting has an end."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipelines.errors import SourceError
from pipelines.http import Client, Limits
from tests.loopback import SECRET, Time
from tests.security.resolver import network

NAME = "pos.example"
LOOPBACK = "127.0.0.1"


@dataclass
class TlsServer:
    """Answers once over TLS with a certificate for `names`; knows which name it was greeted with, and the request."""

    directory: Path
    names: list[str]
    greeted: list[str | None] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    def __enter__(self) -> TlsServer:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        alternatives = [
            x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in self.names
        ]
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.trusted = self.directory / "certificate.pem"
        self.trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret = self.directory / "key.pem"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.trusted, secret)
        self.context.sni_callback = lambda _, name, __: self.greeted.append(name)
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join(10)
        self.listener.close()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            try:
                with self.context.wrap_socket(connection, server_side=True) as secured:
                    self.requests.append(secured.recv(65536))
                    secured.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nhere")
            except (ssl.SSLError, ConnectionError):
                return  # the client hung up on the certificate


def test_tls_greets_and_checks_the_name_at_the_address_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsServer(tmp_path, [NAME]) as server, Client(1000, allow_private_address=True) as made:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(server.trusted))
        with network({NAME: [[LOOPBACK]]}, reachable=[LOOPBACK]):
            assert made.request("GET", f"https://{NAME}.:{server.port}/").body == b"here"
    assert server.greeted == [NAME]
    assert f"\r\nHost: {NAME}:{server.port}\r\n".encode() in server.requests[0]


def refused(made: Client, server: TlsServer) -> None:
    with (
        network({NAME: [[LOOPBACK]]}, reachable=[LOOPBACK]),
        pytest.raises(SourceError, match=r"certificate of .* is not valid"),
    ):
        made.request("GET", f"https://{NAME}:{server.port}/", headers={"Authorization": SECRET})
    server.thread.join(10)
    assert server.requests == []


@pytest.mark.parametrize("names", [["other.example"], [LOOPBACK], [f"sub.{NAME}"]])
def test_a_certificate_of_another_name_or_of_the_address_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    with TlsServer(tmp_path, names) as server, Client(1000, allow_private_address=True) as made:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(server.trusted))
        refused(made, server)


def test_a_greeting_that_drips_ends_at_the_deadline_of_the_attempt() -> None:
    listener, release = socket.create_server((LOOPBACK, 0)), threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"\x16\x03\x03\x3f\xff")
            while not release.wait(0.02):
                try:
                    connection.sendall(b"\x02")
                except ConnectionError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    time = Time()
    limits = Limits(attempt=0.2, connect=100, retry_budget=0)
    with (
        Client(1000, True, limits=limits, clock=time.clock, sleep=time.sleep) as made,
        pytest.raises(SourceError, match="had not answered in full"),
    ):
        made.request("GET", f"https://{LOOPBACK}:{listener.getsockname()[1]}/")
    release.set()
    thread.join(10)
    listener.close()
