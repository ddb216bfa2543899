"""The feature store: one Redis hash an entity, written so that repeating a write changes nothing.

A hash carries `window_start`, `window_end`, `revision`, `schema_version` and the features. Every
value is JSON; a feature that is null has no field. A row is written only if its
`(window_end, revision)` is greater than that of the stored row, so that neither a replay nor a slow
writer can turn the store back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import redis

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.names import FEATURES, Names
from flink_jobs.connectors.redis_errors import (
    NO_ANSWER,
    StoreUnusable,
    code_of,
    trouble,
    trouble_of,
    unfit,
)
from flink_jobs.connectors.security import store_name, store_url
from flink_jobs.errors import ServiceAway
from flink_jobs.features.row import SCHEMA_VERSION, FeatureRow

TIMEOUT_S: Final = 5.0
_START_S: Final = 3.0
"""How long a server may take that is just starting, or loading its data, seconds of wall time."""
_START_PAUSE_S: Final = 0.3

UPSERT: Final = """
local function content(pairs, first)
  local fields, values = {}, {}
  for at = first, #pairs, 2 do
    fields[#fields + 1] = pairs[at] .. '=' .. pairs[at + 1]
    values[pairs[at]] = pairs[at + 1]
  end
  table.sort(fields)
  return table.concat(fields, '\\n'), values
end

local function natural(text)  -- or nil, where no row of ours can have left the text
  local found = tonumber(text or '')
  if found and found >= 0 and found < 1e15 then return found end
end

local function compare(key, row)  -- of two rows of one identity
  local mine, values = content(row, 3)
  local other, held = content(redis.call('HGETALL', key), 1)
  local count = row[2]
  local order = (natural(values[count]) or 0) - (natural(held[count]) or 0)
  if order == 0 and mine > other then order = 1 end
  return order, mine ~= other
end

local function write(key, row)
  local answer = redis.pcall('HSET', key, unpack(row, 3))
  if type(answer) == 'table' and answer.err then return answer.err end
  if redis.call('HLEN', key) * 2 > #row - 2 then
    local mine = {}
    for at = 3, #row, 2 do mine[row[at]] = true end
    for _, name in ipairs(redis.call('HKEYS', key)) do
      if not mine[name] then redis.call('HDEL', key, name) end
    end
  end
  redis.call('PEXPIRE', key, row[1])
end

local results = {}
for number, key in ipairs(KEYS) do
  local row = cmsgpack.unpack(ARGV[number])
  local held = redis.pcall('HMGET', key, 'window_end', 'revision')
  if held.err then
    results[number] = held.err
  else
    local order, conflict = row[4] - (natural(held[1]) or -1), false
    if order == 0 then order = row[6] - (natural(held[2]) or -1) end
    if order == 0 then order, conflict = compare(key, row) end
    results[number] = conflict and 'conflict' or 'stale'
    if order > 0 then
      results[number] = write(key, row) or (conflict and 'replaced' or 'written')
    end
  end
end
return results
"""
"""Writes the rows for KEYS that are newer than the stored rows; returns a word for each row.

ARGV has for each key a MessagePack array of texts: the time to live in ms, the name of the field
that counts events, and then fields and values in turn: `window_end`, `revision`, `window_start`,
`schema_version`, the count and the other features. The word is `written`, `stale`, `conflict` or
`replaced` (see `WriteResult`), or Redis' error, whose first word is the error's code. Rows have a
total order, so that the same hash remains in whatever order they come: window end, revision, count,
and the text of all fields.

A row is one argument, because every argument has its cost, here and in the server: with an argument
for each field and value a write took the client 17 microseconds a row in place of 10.

The first command that writes is HSET. Redis asks whether there is memory before a script's first
write, and never after it: a script that began with DEL could fill the machine.
"""

KEYS_PER_CALL: Final = 100
"""One call for every key would double the work; one for all would keep other clients waiting."""


class WriteResult(NamedTuple):
    """What became of the rows of one write; rows that are not counted here are written."""

    stale: int
    """How many rows the store refused as not newer than the stored row."""
    conflicts: int
    """How many rows differ from the stored row of the same window and revision: their key is in two
    partitions."""
    refused: Sequence[tuple[FeatureRow, str]]
    """The rows that Redis refused, with its code in small letters: `wrongtype`, `oom`."""


_OUTCOMES: Final = frozenset({"written", "stale", "conflict", "replaced"})
ROW_CODES: Final = frozenset({"WRONGTYPE", "OOM"})
"""Codes that are about one key or one moment: the other rows can be written all the same."""


def open_client(settings: Settings, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Open a client that waits at most `timeout_s` for a server that hangs.

    Raises:
        SettingsError: REDIS_URL cannot be used.
    """
    url = store_url(settings)
    # By itself redis-py takes a certificate of any host that the authority has signed.
    options = {"ssl_check_hostname": True} if url.startswith("rediss:") else {}
    try:
        return redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, **options
        )
    except (ValueError, TypeError):  # their texts quote the URL
        raise SettingsError(
            "REDIS_URL has a parameter that redis-py does not know: look at what follows its ?"
        ) from None


def open_answering(settings: Settings, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Open a client of a server that has answered, at once or within three seconds.

    Raises:
        SettingsError: REDIS_URL cannot be used.
        ServiceAway: No server answers.
        StoreUnusable: The server demands a login, or is a cluster or a sentinel.
    """
    client = open_client(settings, timeout_s)
    try:
        _wait_for(client)
        mode = _mode(client)
    except redis.RedisError as error:
        client.close()
        if isinstance(meaning := trouble(error), StoreUnusable):
            raise meaning from None
        why = str(meaning).removeprefix(f"{NO_ANSWER}: ")
        if isinstance(error, redis.TimeoutError) and settings.redis_url.startswith("rediss:"):
            why = "the server is busy, or does not speak TLS at this port: write redis://… if so"
        raise ServiceAway(f"{NO_ANSWER} at {store_name(settings)}: {why}") from None
    if mode in ("cluster", "sentinel"):
        client.close()
        raise unfit(mode)
    return client


def _wait_for(client: redis.Redis) -> None:
    """Return when the server answers; raise at once what it refuses, and after a while the rest."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            client.ping()
        except redis.RedisError as error:
            if isinstance(trouble(error), StoreUnusable) or time.monotonic() > deadline:
                raise
            time.sleep(_START_PAUSE_S)
        else:
            return


def _mode(client: redis.Redis) -> str:
    try:
        said: Any = client.info("server")
        return str(said.get("redis_mode") or said.get("server_mode"))  # the second by Valkey
    except redis.ResponseError:  # a user may write features and not ask what it writes to
        return "standalone"


class FeatureStore:
    """Writes feature rows to Redis: at least once, with the effect of once.

    To write rows again, or older rows after newer ones, changes nothing. Rows go in pipelines of
    calls of a script, `KEYS_PER_CALL` rows each, and each call is atomic.
    """

    def __init__(
        self, client: redis.Redis, ttl_ms: Mapping[str, int], names: Names = FEATURES
    ) -> None:
        """Write through `client`.

        Args:
            client: What `open_client` returns.
            ttl_ms: The time to live of a row by feature set, ms.
            names: What the keys are called.
        """
        self._client = client
        self._names = names
        self._ttl_ms = ttl_ms
        self._upsert = client.register_script(UPSERT)

    def ping(self) -> None:
        """Make sure that the store answers.

        Raises:
            StoreAway: The store does not answer.
            StoreUnusable: The store refuses.
        """
        _translated(self._client.ping)

    def write(self, rows: Iterable[FeatureRow]) -> WriteResult:
        """Write the newest row of each entity, if it is newer than the stored row.

        Raises:
            StoreAway: Redis cannot write now. Nothing, some or all of the rows are then written;
                writing them again is harmless.
            StoreUnusable: Redis refuses, and would refuse again.
        """
        newest = newest_rows(rows)
        if not newest:
            return WriteResult(0, 0, ())
        # No transaction: each call is atomic by itself, and all calls as one would keep other
        # clients waiting.
        with self._client.pipeline(transaction=False) as pipeline:
            for first in range(0, len(newest), KEYS_PER_CALL):
                rows_of_call = newest[first : first + KEYS_PER_CALL]
                arguments = [self._argument(row) for row in rows_of_call]
                keys = [self._names.key(row.feature_set, row.key) for row in rows_of_call]
                self._upsert(keys, arguments, pipeline)
            # A call that fails must not hide the answers of the others: their rows are written.
            answers = _translated(lambda: pipeline.execute(raise_on_error=False))
        results: list[str] = []
        for number, answer in enumerate(answers):
            if isinstance(answer, Exception):
                code = code_of(str(answer))
                if code not in ROW_CODES:
                    raise trouble(answer) from None
                results += [code] * len(newest[number * KEYS_PER_CALL :][:KEYS_PER_CALL])
            else:
                results += [result.decode() for result in answer]
        return _summed(newest, results)

    def _argument(self, row: FeatureRow) -> bytes:
        features = row.features
        names = features.__struct_fields__
        # The first feature of every set counts events: the script compares rows of two partitions
        # by that field. Numbers are texts here: Lua would round a whole number above 2**53.
        parts = [
            str(self._ttl_ms[row.feature_set]),
            names[0],
            "window_end",
            str(row.window_end),
            "revision",
            str(row.revision),
            "window_start",
            str(row.window_start),
            "schema_version",
            _SCHEMA_VERSION,
        ]
        for name in names:
            value = getattr(features, name)
            if value is not None:
                parts += (name, _json(value).decode())
        return _pack(parts)


def _translated(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return call()
    except redis.RedisError as error:
        raise trouble(error) from None


def _summed(rows: Sequence[FeatureRow], results: Sequence[str]) -> WriteResult:
    """Sum up the script's words for the rows.

    Raises:
        StoreAway: Redis could not write some row now, and may be able to soon.
        StoreUnusable: Redis refused some row for a reason that would refuse every row.
    """
    stale = conflicts = 0
    refused = []
    for row, result in zip(rows, results, strict=True):
        if result in ("stale", "conflict"):
            stale += 1
        if result in ("conflict", "replaced"):
            conflicts += 1
        if result in _OUTCOMES:
            continue
        code = code_of(result)
        if code not in ROW_CODES:
            raise trouble_of(code)
        refused.append((row, code.lower()))
    return WriteResult(stale, conflicts, refused)


_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_SCHEMA_VERSION: Final = str(SCHEMA_VERSION)


def newest_rows(rows: Iterable[FeatureRow]) -> list[FeatureRow]:
    """Return the row with the greatest `(window_end, revision)` of every entity.

    Where rows of one identity differ, all of them are returned: their key is in two partitions, and
    the store decides.
    """
    newest: dict[tuple[str, str], list[FeatureRow]] = {}
    for row in rows:
        entity = row.feature_set, row.key
        held = newest.get(entity)
        if held is None:
            newest[entity] = [row]
            continue
        ahead = row.window_end - held[0].window_end or row.revision - held[0].revision
        if ahead > 0:
            newest[entity] = [row]
        elif ahead == 0 and row not in held:
            held.append(row)
    return [row for held in newest.values() for row in held]


def read_features(client: redis.Redis, key: str) -> dict[str, Any] | None:
    """Return a hash of the store with its values decoded; None where the store has none.

    A hash outlives its window by its time to live: a reader compares `window_end` with the time
    that the reader serves.
    """
    fields: dict[bytes, bytes] = client.hgetall(key)  # type: ignore[assignment]  # not async
    return {name.decode(): msgspec.json.decode(value) for name, value in fields.items()} or None
