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
local written, at = 0, 1
for number, key in ipairs(KEYS) do
  local first, last = at + 2, at + 1 + ARGV[at]
  local ends, revision = tonumber(ARGV[first + 1]), tonumber(ARGV[first + 3])
  local held = redis.call('HMGET', key, 'window_end', 'revision')
  local held_end, held_revision = tonumber(held[1] or -1), tonumber(held[2] or -1)
  if held_end < ends or (held_end == ends and held_revision < revision) then
    redis.call('DEL', key)
    redis.call('HSET', key, unpack(ARGV, first, last))
    redis.call('PEXPIRE', key, ARGV[at + 1])
    written = written + 1
  end
  at = last + 1
end
return written
"""
"""Writes the hashes at KEYS that are newer than what is there; returns how many.

ARGV has for each key: how many fields and values follow, the time to live in ms, and then fields
and values in turn, beginning with `window_end` and `revision`. A Redis Cluster does not take a
call whose keys are in many slots.
"""

KEYS_PER_CALL: Final = 100
"""One call for every key would double the work; one for all would keep other clients waiting."""


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
            for first in range(0, len(newest), KEYS_PER_CALL):
                rows_of_call = newest[first : first + KEYS_PER_CALL]
                arguments = [argument for row in rows_of_call for argument in self._arguments(row)]
                self._upsert([row.redis_key for row in rows_of_call], arguments, pipeline)
            written = sum(pipeline.execute())
        return len(newest) - int(written)

    def _arguments(self, row: FeatureRow) -> list[int | bytes | str]:
        fields: list[int | bytes | str] = [
            "window_end",
            row.window_end,
            "revision",
            row.revision,
            "window_start",
            row.window_start,
            "schema_version",
            SCHEMA_VERSION,
        ]
        for name in row.features.__struct_fields__:
            value = getattr(row.features, name)
            if value is not None:
                fields += (name, value if type(value) is int else _json(value))
        return [len(fields), self._ttl_ms[row.feature_set], *fields]


_json = msgspec.json.Encoder().encode


def newest_rows(rows: Iterable[FeatureRow]) -> list[FeatureRow]:
    """Return the row with the greatest `(window_end, revision)` of every entity."""
    newest: dict[tuple[str, str], FeatureRow] = {}
    for row in rows:
        entity = row.feature_set, row.key
        held = newest.get(entity)
        if (
            held is None
            or row.window_end > held.window_end
            or (row.window_end == held.window_end and row.revision > held.revision)
        ):
            newest[entity] = row
    return [*newest.values()]


def read_features(client: redis.Redis, key: str) -> dict[str, Any] | None:
    """Return a hash of the store with its values decoded, or None where there is none.

    The hash outlives its window: a reader checks `window_end` against the time that it serves.
    """
    fields: dict[bytes, bytes] = client.hgetall(key)  # type: ignore[assignment]  # not async
    return {name.decode(): msgspec.json.decode(value) for name, value in fields.items()} or None
