"""What the errors of Redis mean: away for a while, refused for good, or about one row.

The text of redis-py's errors holds the whole command, and so the features of a card. It ends here:
every text that leaves this module is our own.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Final

import redis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from flink_jobs.errors import ForeseenError, ServiceAway


class StoreAway(ServiceAway):
    """The store cannot do its work for now. The text says why, without a word of any row."""


class StoreUnusable(ForeseenError):
    """The store refuses, and will go on refusing. The text says what to do."""


_PASSING_CODES: Final = {
    "READONLY": "it is a replica, which takes no writes: name the primary",
    "MISCONF": "it takes no writes because it cannot save to its disk: mend its disk",
    "NOREPLICAS": "it takes no writes because its replicas are away: mend them",
    "MASTERDOWN": "it is a replica whose primary is away: name the primary",
    "BUSY": "a script of somebody keeps it busy: wait, or stop that with SCRIPT KILL",
    "LOADING": "it is loading its data: wait",
}
_CLUSTER_CODES: Final = frozenset({"MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN"})
_LOGIN_CODES: Final = frozenset({"NOAUTH", "WRONGPASS", "NOPERM"})
_CODE: Final = re.compile(r"(?:@user_script: \d+: )?-?([A-Z]{2,20})\b")
"""The code of an error; Redis 6 puts the script's line before that of a command in a script."""
_NO_RIGHT: Final = re.compile(r"ACL failure in script|user executing the script can't run|NOPERM")
_CLUSTER: Final = (
    "Redis is a {mode}, which this system does not work with: name a single server, or the primary "
    "behind it"
)
NO_ANSWER: Final = "no Redis answers"
_REMEDY: Final = (
    "start one with `make up`, or set REDIS_HOST and REDIS_PORT, or REDIS_URL where it demands TLS"
)
_LOGIN: Final = (
    "Redis demands another login ({code}): set REDIS_URL to redis://USER:PASSWORD@HOST:PORT/DB of "
    "a user who may read and write features:* and run scripts"
)


_WORDS: Final[Mapping[str, tuple[type[StoreAway | StoreUnusable], str]]] = {
    "max number of clients reached": (
        StoreAway,
        "Redis has no room for another client: close some, or raise its maxclients",
    ),
    "DB index is out of range": (
        StoreUnusable,
        "REDIS_URL names a database that Redis does not have: name one from 0 to 15, or none",
    ),
    "without any password configured": (
        StoreUnusable,
        "Redis has no password, and REDIS_URL names one: leave it out, or name the user as well",
    ),
}
"""What Redis means by an error whose code, or type in redis-py, says too little."""


def trouble(error: Exception) -> StoreAway | StoreUnusable:
    """Return what an error of redis-py means, in words of our own.

    The text of redis-py holds the whole command, and so the features of a card. That text must not
    reach a log or a page.
    """
    for words, (kind, sentence) in _WORDS.items():
        if words in str(error):
            return kind(sentence)
    if code := _code_of_type(error):
        return trouble_of(code)
    if isinstance(error, ResponseError):
        return trouble_of(code_of(str(error)))
    if isinstance(refusal := _tls_refusal(error), str):
        return StoreUnusable(refusal)
    if isinstance(error, redis.TimeoutError):
        return StoreAway("Redis does not answer in time: wait, or look what keeps it busy")
    return StoreAway(f"{NO_ANSWER}: {_REMEDY}")


_OTHER_HOST: Final = (
    "Redis' certificate is of another host: name in REDIS_URL the host that the certificate is for"
)
_CERTIFICATES: Final[Mapping[int, str]] = {
    10: "Redis' certificate has expired: give the store a new one",
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By OpenSSL's code: X509_V_ERR_CERT_HAS_EXPIRED, …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH."""
_UNTRUSTED: Final = (
    "Redis' certificate is not trusted: name the CA that signed it, REDIS_URL=rediss://…"
    "?ssl_ca_certs=FILE"
)
_NO_TLS: Final = (
    "Redis does not speak TLS at this port: write redis://… in REDIS_URL, or name its port for TLS"
)
_CLIENT: Final = (
    "Redis refuses the client certificate, or demands one: name it in REDIS_URL, "
    "rediss://…?ssl_certfile=FILE&ssl_keyfile=FILE"
)
_UNREADABLE: Final = (
    "a file that REDIS_URL names (ssl_ca_certs, ssl_certfile, ssl_keyfile) holds no certificate or "
    "key in PEM form: name another file"
)


def _tls_refusal(error: BaseException | None) -> str | None:
    """Return what TLS has refused for good; None where a connection has failed otherwise."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _CERTIFICATES.get(error.verify_code, _UNTRUSTED)
        if isinstance(error, ssl.SSLError) and error.reason:
            if "_ALERT_" in error.reason:
                return _CLIENT
            if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
                return _NO_TLS
            if error.library in ("PEM", "X509") or "PEM" in error.reason:
                return _UNREADABLE
        error = error.__cause__ or error.__context__
    return None


_TYPES: Final[Mapping[type[Exception], str]] = {
    MovedError: "MOVED",
    AskError: "ASK",
    ClusterDownError: "CLUSTERDOWN",
    ClusterError: "CLUSTERDOWN",
    TryAgainError: "TRYAGAIN",
    ReadOnlyError: "READONLY",
    NoScriptError: "NOSCRIPT",
    NoPermissionError: "NOPERM",
    AuthenticationError: "NOAUTH",
    AuthorizationError: "NOAUTH",
    BusyLoadingError: "LOADING",
}


def _code_of_type(error: Exception) -> str | None:
    """Return the code of an error for which redis-py has a type, and whose text lacks the code."""
    return next((code for kind, code in _TYPES.items() if isinstance(error, kind)), None)


def trouble_of(code: str) -> StoreAway | StoreUnusable:
    """Return what an error of Redis means, by the error's code."""
    if code in _CLUSTER_CODES:
        return unfit("cluster")
    if code in _LOGIN_CODES:
        return StoreUnusable(_LOGIN.format(code=code))
    if code == "NOSCRIPT":
        return StoreAway("Redis has forgotten the script, and is given it again")
    if code in _PASSING_CODES:
        return StoreAway(f"Redis answers {code}: {_PASSING_CODES[code]}")
    return StoreUnusable(
        f"Redis answers {code} to what every Redis from 6.0 on can do: look into its log, or set "
        "REDIS_HOST and REDIS_PORT to another"
    )


def unfit(mode: str) -> StoreUnusable:
    """Return the error of a Redis in a mode, such as cluster, that this system cannot work with."""
    return StoreUnusable(_CLUSTER.format(mode=mode))


def code_of(text: str) -> str:
    """Return the code at the beginning of an error's text; ERR, Redis' own word, without one.

    What a user may not do inside a script has another code, or none: it is NOPERM here.

    >>> code_of("OOM command not allowed when used memory > 'maxmemory'."), code_of("odd")
    ('OOM', 'ERR')
    >>> code_of("ACL failure in script: User u has no permissions to run the 'hset' command")
    'NOPERM'
    """
    if _NO_RIGHT.search(text):
        return "NOPERM"
    found = _CODE.match(text)
    return found[1] if found else "ERR"
