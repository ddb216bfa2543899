"""What the errors of Redis mean: away for a while, refused for good, or about one row.

The text of redis-py's errors holds the whole command, and so the features of a card. It ends here:
every text that leaves this module is our own.
"""

from __future__ import annotations

import re
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
_CLUSTER: Final = (
    "Redis is a {mode}, which this system does not work with: name a single server, or the primary "
    "behind it"
)
NO_ANSWER: Final = "no Redis answers"
_REMEDY: Final = "start one with `make up`, or set REDIS_HOST, REDIS_PORT"
_LOGIN: Final = (
    "Redis demands another login ({code}): set REDIS_URL to redis://USER:PASSWORD@HOST:PORT/DB of "
    "a user who may read and write features:* and run scripts"
)


def trouble(error: Exception) -> StoreAway | StoreUnusable:
    """Return what an error of redis-py means, in words of our own.

    The text of redis-py holds the whole command, and so the features of a card. That text must not
    reach a log or a page.
    """
    if code := _code_of_type(error):
        return trouble_of(code)
    if isinstance(error, ResponseError):
        return trouble_of(code_of(str(error)))
    if isinstance(error, redis.TimeoutError):
        return StoreAway("Redis does not answer in time: wait, or look what keeps it busy")
    return StoreAway(f"{NO_ANSWER}: {_REMEDY}")


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

    >>> code_of("OOM command not allowed when used memory > 'maxmemory'."), code_of("odd")
    ('OOM', 'ERR')
    """
    found = _CODE.match(text)
    return found[1] if found else "ERR"
