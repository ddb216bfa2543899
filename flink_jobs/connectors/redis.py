"""The feature store: one Redis hash an entity, written so that repeating a write changes nothing.

A hash carries `window_start`, `window_end`, `revision`, `schema_version` and the features. Every
value is JSON; a feature that is null has no field. A row is written only if its
`(window_end, revision)` is greater than what is there, so a replay, or a slower writer, can never
turn the store back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from flink_jobs.errors import Unavailable
from flink_jobs.features.row import SCHEMA_VERSION, FeatureRow

TIMEOUT_S: Final = 5.0
_AT_START: Final = Retry(ConstantBackoff(0.3), retries=10)
"""A server that is just starting, or loading its data, has three seconds to answer."""

UPSERT: Final = """
local held = redis.call('HMGET', KEYS[1], 'window_end', 'revision')
local ends, revision = tonumber(ARGV[2]), tonumber(ARGV[3])
if held[1] then
  local held_end, held_revision = tonumber(held[1]), tonumber(held[2])
  if held_end > ends or (held_end == ends and held_revision >= revision) then
    return 0
  end
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'window_end', ARGV[2], 'revision', ARGV[3], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
"""Arguments: time to live in ms, window end, revision, then the other fields and values in turn."""


def open_client(host: str, port: int) -> redis.Redis:
    """Open a client that does not wait for ever for a server that hangs."""
    return redis.Redis(host, port, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


def open_answering(host: str, port: int) -> redis.Redis:
    """Open a client of a server that has answered, at once or after a few attempts.

    Raises:
        Unavailable: None does.
    """
    client = open_client(host, port)
    try:
        _AT_START.call_with_retry(client.ping, lambda _: None)
    except redis.RedisError as error:
        client.close()
        raise Unavailable(
            f"no Redis answers at {host}:{port} ({error}): start one with `make up`, or set "
            "REDIS_HOST and REDIS_PORT"
        ) from None
    return client


class FeatureStore:
    """Writes feature rows to Redis."""

    def __init__(self, client: redis.Redis, ttl_ms: Mapping[str, int]) -> None:
        """Write through `client`; `ttl_ms` tells how long a row of a feature set serves."""
        self._client = client
        self._ttl_ms = ttl_ms
        self._upsert = client.register_script(UPSERT)

    def ping(self) -> None:
        """Make sure that the store answers.

        Raises:
            redis.RedisError: It does not.
        """
        self._client.ping()

    def write(self, rows: Iterable[FeatureRow]) -> int:
        """Write the newest row of each entity; return how many were refused as not newer.

        Raises:
            redis.RedisError: Redis could not be reached, or refused. Nothing, some or all of the
                rows are then written; writing them again is harmless.
        """
        newest = newest_rows(rows)
        if not newest:
            return 0
        with self._client.pipeline(transaction=False) as pipeline:
            for key, row in newest.items():
                self._upsert(keys=[key], args=self._arguments(row), client=pipeline)
            written = sum(pipeline.execute())
        return len(newest) - int(written)

    def _arguments(self, row: FeatureRow) -> list[int | bytes | str]:
        arguments: list[int | bytes | str] = [
            self._ttl_ms[row.feature_set],
            row.window_end,
            row.revision,
            "window_start",
            row.window_start,
            "schema_version",
            SCHEMA_VERSION,
        ]
        for name in row.features.__struct_fields__:
            value = getattr(row.features, name)
            if value is not None:
                arguments += (name, value if type(value) is int else _json(value))
        return arguments


_json = msgspec.json.Encoder().encode


def newest_rows(rows: Iterable[FeatureRow]) -> dict[str, FeatureRow]:
    """Return, by Redis key, the row with the greatest `(window_end, revision)`."""
    newest: dict[str, FeatureRow] = {}
    for row in rows:
        key = row.redis_key
        held = newest.get(key)
        if held is None or (row.window_end, row.revision) > (held.window_end, held.revision):
            newest[key] = row
    return newest


def read_features(client: redis.Redis, key: str) -> dict[str, Any] | None:
    """Return a hash of the store with its values decoded, or None where there is none.

    The hash outlives its window: a reader checks `window_end` against the time that it serves.
    """
    fields: dict[bytes, bytes] = client.hgetall(key)  # type: ignore[assignment]  # not async
    return {name.decode(): msgspec.json.decode(value) for name, value in fields.items()} or None
