"""A broker that demands TLS and a login, with certificates made on the fly."""

from __future__ import annotations

import json
import select
import socket
import ssl
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import UserScramCredentialUpsertion

from studykit.services.kafka import Kafka
from studykit.services.network.ports import HOST, free_port
from studykit.services.supervision.service import Say
from studykit.workspace import Workspace

USER: Final = "features"
_TOKEN_MODULE: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
PASSWORD: Final = 'pass"word\\with=signs'


@dataclass(frozen=True)
class Certificates:
    """An authority, and a server and a client that it has signed: PEM files with their keys."""

    authority: Path
    server: Path
    client: Path
    stranger: Path
    """An authority that has signed none of them."""
    expired: Path
    """As the server's, and no longer valid."""
    elsewhere: Path
    """As the server's, and for another host."""


def make_certificates(folder: Path, host: str = f"IP:{HOST}") -> Certificates:
    """Make certificates that are good for a day; the server's is for `host`."""
    for name in ("authority", "stranger"):
        _openssl(
            folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem",
        )  # fmt: skip
    for name in ("server", "client"):
        _openssl(
            folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr",
        )  # fmt: skip
    _sign(folder, "server", host)
    _sign(folder, "client", host)
    _sign(folder, "server", host, days="-1", into="expired")
    _sign(folder, "server", "DNS:elsewhere.example", into="elsewhere")
    names = ("authority", "server", "client", "stranger", "expired", "elsewhere")
    return Certificates(*(folder / f"{name}.pem" for name in names))


def _sign(folder: Path, name: str, host: str, days: str = "1", into: str | None = None) -> None:
    """Let the authority sign the request of `name`; write certificate and key to one file."""
    (folder / "names").write_text(f"subjectAltName={host}")
    _openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "authority.pem",
        "-CAkey", "authority.key", "-CAcreateserial", "-days", days, "-extfile", "names",
        "-out", "signed.crt",
    )  # fmt: skip
    both = (folder / f"{name}.key").read_text() + (folder / "signed.crt").read_text()
    (folder / f"{into or name}.pem").write_text(both)


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@contextmanager
def tls_before(port: int, certificate: Path, authority: Path | None = None) -> Iterator[int]:
    """Serve TLS in front of a server that has none; yield the port.

    The packaged store is built without TLS. What a client sees of TLS is OpenSSL's either way.

    Args:
        port: The server's port on the loopback interface.
        certificate: The server's certificate and key.
        authority: Who must have signed a client's certificate; None demands none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if authority is not None:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        # In TLS 1.3 a client may write before it has read that it is refused, and find an end only.
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    class Relay(BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),  # a client that is refused is no news
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection((HOST, port)) as far,
            ):
                _relay(near, far)

    with _Server((HOST, 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection for longer than the test


def _relay(near: ssl.SSLSocket, far: socket.socket) -> None:
    """Hand on what either side says, until one of them ends."""
    while True:
        for side in [near] if near.pending() else select.select([near, far], [], [])[0]:
            data = side.recv(65_536)
            if not data:
                return
            (far if side is near else near).sendall(data)


def make_token(certificates: Certificates, valid_s: float = 3_600) -> str:
    """Return a token (JWT) of the user for the broker, which the authority has signed."""
    now = int(time.time())
    claims = {"sub": USER, "aud": "kafka", "iat": now, "exp": now + valid_s}
    parts = [{"alg": "RS256", "kid": "authority"}, claims]
    text = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    key = certificates.authority.with_suffix(".key")
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key], input=text, capture_output=True, check=True
    )
    return (text + b"." + _base64(signed.stdout)).decode()


def _key_set(certificates: Certificates) -> str:
    """Return the authority's public key as a JSON Web Key Set."""
    told = subprocess.run(
        ["openssl", "x509", "-in", certificates.authority, "-noout", "-modulus"],
        capture_output=True,
        text=True,
        check=True,
    )
    modulus = _base64(bytes.fromhex(told.stdout.partition("=")[2].strip())).decode()
    key = {"kty": "RSA", "kid": "authority", "alg": "RS256", "n": modulus, "e": "AQAB"}
    return json.dumps({"keys": [key]})


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class SecuredKafka(Kafka):
    """A broker with a second listener, which demands TLS and a login: SCRAM, PLAIN or a token."""

    def __init__(self, workspace: Workspace, port: int, certificates: Certificates) -> None:
        super().__init__(workspace, port)
        self.certificates = certificates
        self.secured = f"{HOST}:{free_port()}"

    def start(self) -> None:
        """Start, and give the user a password for SCRAM."""
        super().start()
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):  # of two in one, one is lost
                admin.alter_user_scram_credentials(
                    [UserScramCredentialUpsertion(USER, mechanism, PASSWORD.encode(), 4_096)]
                )
        finally:
            admin.close()

    def command(self, say: Say) -> list[str]:
        """Allow the broker to read the keys by which it checks tokens."""
        self._keys.write_text(_key_set(self.certificates))
        java, *words = super().command(say)
        return [
            java,
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys.as_uri()}",
            *words,
        ]

    @property
    def _keys(self) -> Path:
        return self.workspace.run / "keys.json"

    def _write_settings(self) -> Path:
        path = super()._write_settings()
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
        own = {
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "SECURED:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.secured.oauthbearer.sasl.jaas.config": f"{_TOKEN_MODULE} required;",
            "listener.name.secured.oauthbearer.sasl.server.callback.handler.class": (
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
            ),
            "listener.name.secured.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": (
                self._keys.as_uri()
            ),
            "listener.name.secured.oauthbearer.sasl.oauthbearer.expected.audience": "kafka",
            "listener.name.secured.plain.sasl.jaas.config": f'{plain} user_{USER}="{quoted}";',
            **{
                f"listener.name.secured.{mechanism}.sasl.jaas.config": f"{scram} required;"
                for mechanism in ("scram-sha-256", "scram-sha-512")
            },
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificates.server),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates.authority),
            "listener.name.secured.ssl.client.auth": "required",
        }
        text = path.read_text()
        for name in ("listeners", "advertised.listeners"):
            text = text.replace(f"\n{name}=", f"\n{name}=SECURED://{self.secured},")
        escaped = {name: value.replace("\\", "\\\\") for name, value in own.items()}
        path.write_text(text + "".join(f"{name}={value}\n" for name, value in escaped.items()))
        return path


def token_properties(certificates: Certificates, token: Path) -> dict[str, str]:
    """Return what a client has in its file that logs in with the token in the file `token`."""
    return {
        **properties(certificates, "OAUTHBEARER"),
        "sasl.jaas.config": f"{_TOKEN_MODULE} required;",
        "sasl.login.callback.handler.class": (
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
        ),
        "sasl.oauthbearer.token.endpoint.url": token.as_uri(),
    }


def properties(certificates: Certificates, mechanism: str, **more: str) -> dict[str, str]:
    """Return what a client of the secured listener has in its file."""
    module = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": f"org.apache.kafka.common.security.{module} required "
        f'username="{USER}" password="{quoted}";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.client),
        **more,
    }


def write_properties(path: Path, held: dict[str, str]) -> Path:
    """Write a file in Java's format."""
    lines = [f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in held.items()]
    path.write_text("".join(lines))
    return path
