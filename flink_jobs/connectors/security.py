"""Security: how to log in to Kafka and Redis, in one form for every client of this system.

Kafka's own clients read a `client.properties`, and so does this system, from
`KAFKA_PROPERTIES_FILE`:

    security.protocol=SASL_SSL
    sasl.mechanism=SCRAM-SHA-512
    sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
        username="features" password="…";
    ssl.truststore.type=PEM
    ssl.truststore.location=/etc/kafka/ca.pem

A token instead of a password is in a file, which somebody keeps fresh and every login reads anew:

    sasl.mechanism=OAUTHBEARER
    sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
    sasl.login.callback.handler.class=\
        org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler
    sasl.oauthbearer.token.endpoint.url=file:///run/secrets/kafka-token

Only `security.*`, `sasl.*` and `ssl.*` are read, and of those only the keys that every client
understands: a key that one client would ignore is refused. Stores are PEM files; a client
certificate (`ssl.keystore.location`) is one file together with its private key. No message shows a
value, which may be a secret.
"""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from flink_jobs.config import Settings, SettingsError

_TOKEN: Final = "OAUTHBEARER"
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", _TOKEN)
TOKEN_URL: Final = "sasl.oauthbearer.token.endpoint.url"
ALLOWED_TOKENS: Final = (
    "org.apache.flink.kafka.shaded.org.apache.kafka.sasl.oauthbearer.allowed.urls"
)
"""The property of Java that lists which token files the clients in Flink's connector may read."""
_HANDLER: Final = "sasl.login.callback.handler.class"
_TOKEN_HANDLER: Final = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
)
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_KEYS: Final = frozenset(
    {
        "security.protocol",
        "sasl.mechanism",
        "sasl.jaas.config",
        _HANDLER,
        TOKEN_URL,
        "ssl.truststore.type",
        "ssl.truststore.location",
        "ssl.keystore.type",
        "ssl.keystore.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
    }
)
_LOGIN: Final = re.compile(r'\b(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_STORE_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""The parameters of REDIS_URL that name a file: an own CA, and a client's certificate and key."""
_SECURE: Final = ("security.", "sasl.", "ssl.")


class KafkaSecurity:
    """The properties of `KAFKA_PROPERTIES_FILE` in the words of each client; empty without one."""

    def __init__(self, properties: Mapping[str, str], source: str = "") -> None:
        """Hold the properties of the file `source`; without properties Kafka is plain text.

        Raises:
            SettingsError: A property is not supported, lacks what it needs, or names no file.
        """
        self._source = source
        self.java: dict[str, str] = {
            key: value for key, value in properties.items() if key.startswith(_SECURE)
        }
        """The properties as they are, for clients in Java."""
        self._check()

    @classmethod
    def read(cls, settings: Settings) -> KafkaSecurity:
        """Read the file that the settings name; none is named by default.

        Raises:
            SettingsError: The file cannot be read, or has a property that cannot be used.
        """
        source = settings.kafka_properties_file
        return cls(
            parse_properties(_text("KAFKA_PROPERTIES_FILE", source)) if source else {}, source
        )

    def __repr__(self) -> str:
        """Name the file and no value."""
        return f"KafkaSecurity({self._source!r})"

    @property
    def kafka_python(self) -> dict[str, Any]:
        """The properties as arguments of kafka-python's clients."""
        if not self.java:
            return {}
        username, password = self._login()
        named = {
            "security_protocol": self._protocol,
            "ssl_cafile": self.java.get("ssl.truststore.location"),
            "ssl_certfile": self.java.get("ssl.keystore.location"),
            "ssl_keyfile": self.java.get("ssl.keystore.location"),
            "ssl_password": self.java.get("ssl.key.password"),
            "sasl_mechanism": self.java.get("sasl.mechanism"),
            "sasl_plain_username": username,
            "sasl_plain_password": password,
            "sasl_oauth_token_provider": self._token_file and self._token_file.provider(),
        }
        return {
            **{name: value for name, value in named.items() if value is not None},
            "ssl_check_hostname": self._checks_host,
        }

    @property
    def librdkafka(self) -> dict[str, Any]:
        """The properties as settings of librdkafka's clients."""
        if not self.java:
            return {}
        username, password = self._login()
        named = {
            "security.protocol": self._protocol,
            "ssl.ca.location": self.java.get("ssl.truststore.location"),
            "ssl.certificate.location": self.java.get("ssl.keystore.location"),
            "ssl.key.location": self.java.get("ssl.keystore.location"),
            "ssl.key.password": self.java.get("ssl.key.password"),
            "sasl.mechanism": self.java.get("sasl.mechanism"),
            "sasl.username": username,
            "sasl.password": password,
            "oauth_cb": self._token_file and self._token_file.with_expiry,
        }
        return {
            **{name: value for name, value in named.items() if value is not None},
            "ssl.endpoint.identification.algorithm": "https" if self._checks_host else "none",
        }

    @property
    def _protocol(self) -> str:
        return self.java.get("security.protocol", "PLAINTEXT")

    @property
    def _checks_host(self) -> bool:
        # Kafka's clients check the host's name by default (KIP-294); the empty word turns that off.
        return self.java.get("ssl.endpoint.identification.algorithm", "https") != ""

    def _login(self) -> tuple[str | None, str | None]:
        """Return user and password of `sasl.jaas.config`, None where no login is asked for."""
        if not self._protocol.startswith("SASL") or self._token_file:
            return None, None
        found = {
            match[1]: re.sub(r"\\(.)", r"\1", match[2]) if match[3] is None else match[3]
            for match in _LOGIN.finditer(self.java.get("sasl.jaas.config", ""))
        }
        return found.get("username"), found.get("password")

    def _check(self) -> None:
        for key in self.java:
            if key not in _KEYS:
                self._refuse(key, f"is not supported: use {', '.join(sorted(_KEYS))}")
        self._check_word("security.protocol", self._protocol, _PROTOCOLS)
        if self._protocol.startswith("SASL"):
            self._check_word("sasl.mechanism", self.java.get("sasl.mechanism", ""), _MECHANISMS)
            if self.java["sasl.mechanism"] == _TOKEN:
                self._check_token()
            elif None in self._login():
                self._refuse("sasl.jaas.config", 'must have username="…" and password="…"')
        for store in ("ssl.truststore", "ssl.keystore"):
            location = self.java.get(f"{store}.location")
            if location is not None:
                # Java's default, JKS, is a form that only Java reads: PEM has to be said.
                self._check_word(f"{store}.type", self.java.get(f"{store}.type", "JKS"), ("PEM",))
                _text(f"{store}.location", location)

    @property
    def _token_file(self) -> TokenFile | None:
        if self.java.get("sasl.mechanism") != _TOKEN:
            return None
        return TokenFile(urlsplit(self.java.get(TOKEN_URL, "")).path)

    def _check_token(self) -> None:
        # Java's default makes up a token of its own, without a signature.
        self._check_word(_HANDLER, self.java.get(_HANDLER, ""), (_TOKEN_HANDLER,))
        if not self.java.get(TOKEN_URL, "").startswith("file:///"):
            self._refuse(TOKEN_URL, "must be file:///PATH of a token that somebody keeps fresh")
        assert self._token_file is not None
        _, expiry_s = self._token_file.with_expiry()
        if expiry_s < time.time():
            self._refuse(TOKEN_URL, "names a token that has expired: have the file renewed")

    def _check_word(self, key: str, value: str, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            self._refuse(key, f"must be {' or '.join(allowed)}")

    def _refuse(self, key: str, why: str) -> None:
        raise SettingsError(f"KAFKA_PROPERTIES_FILE={self._source}: {key} {why}")


class TokenFile:
    """A token (JWT) in a file, read for each login: whoever renews the token replaces the file."""

    def __init__(self, path: str) -> None:
        """Read from `path`, and nothing yet."""
        self._path = path

    def token(self) -> str:
        """Return the token as it is now.

        Raises:
            SettingsError: The file cannot be read.
        """
        return _text(TOKEN_URL, self._path).strip()

    def extensions(self) -> dict[str, str]:
        """Return nothing more: what kafka-python asks for beside the token."""
        return {}

    def provider(self) -> TokenFile:
        """Return this file as one of kafka-python's token providers."""
        from kafka.net.sasl.oauth import AbstractTokenProvider  # noqa: PLC0415 - slow to load

        AbstractTokenProvider.register(TokenFile)
        return self

    def with_expiry(self, _config: str = "") -> tuple[str, float]:
        """Return the token, and when it expires, in seconds since 1970.

        Raises:
            SettingsError: The file cannot be read, or holds no JWT that says when it expires.
        """
        token = self.token()
        try:
            claims = token.split(".")[1]
            return token, float(_Claims.decode(urlsafe_b64decode(claims + "==")).exp)
        except (IndexError, ValueError, msgspec.MsgspecError):
            raise SettingsError(
                f"{TOKEN_URL}={self._path} holds no JWT that says when it expires: write one there"
            ) from None


class _Claim(msgspec.Struct):
    exp: float


_Claims: Final = msgspec.json.Decoder(_Claim)


def parse_properties(text: str) -> dict[str, str]:
    r"""Return the properties of a file in Java's format.

    >>> parse_properties("# who\na = 1\\\n  2\nb: x\\=y")
    {'a': '12', 'b': 'x=y'}
    """
    properties = {}
    for line in re.sub(r"\\\r?\n[ \t]*", "", text).splitlines():
        stripped = line.strip()
        if stripped and stripped[0] not in "#!":
            key, _, value = re.sub(r"(?<!\\)\s*[=:]\s*", "\0", stripped, count=1).partition("\0")
            properties[key] = re.sub(r"\\(.)", r"\1", value)
    return properties


def store_url(settings: Settings) -> str:
    """Return the URL of the store, with its login: REDIS_URL, or REDIS_HOST and REDIS_PORT.

    Raises:
        SettingsError: REDIS_URL cannot be used.
    """
    url = settings.redis_url
    if not url:
        return f"redis://{settings.redis_host}:{settings.redis_port}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
        usable = usable and re.fullmatch(r"/?\d*", parts.path) is not None
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "REDIS_URL cannot be used: write redis://USER:PASSWORD@HOST:PORT/DB, or rediss://… for "
            "TLS (?ssl_ca_certs=FILE for an own CA), with special characters as %XX"
        )
    for name, path in parse_qsl(parts.query):
        if name in _STORE_FILES:
            _text(f"REDIS_URL: {name}", path)
    return url


def store_name(settings: Settings) -> str:
    """Return host and port of the store, without the login, for messages."""
    parts = urlsplit(store_url(settings))
    return f"{parts.hostname}:{parts.port or 6379}"


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{name}={path} cannot be read ({reason}): name another file") from None
