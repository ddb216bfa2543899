"""Redis is not a yes or no: what each of its refusals does, on real servers that refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from flink_jobs.config import Settings
from flink_jobs.connectors.redis import KEYS_PER_CALL, FeatureStore, open_answering
from flink_jobs.connectors.redis_errors import StoreAway, StoreUnusable, trouble
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.features.row import FeatureRow, encode_row
from studykit.services.network.ports import free_port
from tests.support.inputs.rows import fraud_row
from tests.support.services.stores import server
from tests.support.waiting import eventually
from tests.support.worlds.output import hashes
from tests.support.worlds.processor import World

pytestmark = pytest.mark.services

TTL_MS = {"fraud": 300_000}
ROW = fraud_row(revision=0)


@contextmanager
def store_of(port: int) -> Iterator[tuple[redis.Redis, FeatureStore]]:
    with open_answering(Settings(redis_host="127.0.0.1", redis_port=port)) as client:
        yield client, FeatureStore(client, TTL_MS)


OTHER_TYPES: dict[str, Callable[[redis.Redis, str], object]] = {
    "text": lambda client, key: client.set(key, "text"),
    "list": lambda client, key: client.rpush(key, 1),
    "set": lambda client, key: client.sadd(key, 1),
    "sorted set": lambda client, key: client.zadd(key, {"a": 1}),
    "stream": lambda client, key: client.xadd(key, {"a": 1}),
    "counter of distinct": lambda client, key: client.pfadd(key, "a"),
}


def test_key_of_another_type_refuses_its_own_row_only(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        odd = [replace(ROW, key=key) for key in OTHER_TYPES]
        for row, make in zip(odd, OTHER_TYPES.values(), strict=True):
            make(client, row.redis_key)
        rows = [replace(ROW, key="before"), *odd, replace(ROW, key="after")]
        assert store.write(rows).refused == [(row, "wrongtype") for row in odd]
        client.delete(*(row.redis_key for row in odd))
        assert len(hashes(client)) == 2


def test_hash_that_no_row_can_have_left_is_replaced(tmp_path: Path) -> None:
    """Lua reads `nan` and `1e400` as numbers: such a hash would be newer than any row, for ever."""
    with server(tmp_path) as port, store_of(port) as (client, store):
        store.write([ROW])
        (whole,) = hashes(client).values()
        for text in ("", "x", "nan", "1e400", "-inf", "9" * 400, "-1"):
            for field in ("window_end", "revision"):
                client.hset(ROW.redis_key, field, text)
                assert store.write([ROW]) == (0, 0, []), (field, text)
                assert hashes(client) == {ROW.redis_key.encode(): whole}


def test_full_store_refuses_rows_and_does_not_grow(tmp_path: Path) -> None:
    """A limit below what an empty server has: not one row fits."""
    with server(tmp_path, "--maxmemory", "100000") as port, store_of(port) as (client, store):
        rows = [replace(ROW, key=f"c{number}") for number in range(KEYS_PER_CALL + 1)]
        assert store.write(rows).refused == [(row, "oom") for row in rows]
        assert client.dbsize() == 0
        client.config_set("maxmemory", 0)
        assert store.write(rows) == (0, 0, [])


def test_replica_takes_no_writes_for_now(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        client.replicaof("127.0.0.1", str(free_port()))
        with pytest.raises(StoreAway, match="name the primary") as error:
            store.write([ROW])
        assert_tells_nothing(error.value)
        client.replicaof("NO", "ONE")
        assert store.write([ROW]).refused == []


def test_login_that_is_demanded_is_said_at_start_and_later(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        client.config_set("requirepass", "secret")
        with pytest.raises(StoreUnusable, match=r"demands another login \(NOAUTH\): set REDIS_URL"):
            open_answering(Settings(redis_host="127.0.0.1", redis_port=port))
        client.connection_pool.disconnect()
        with pytest.raises(StoreUnusable, match="demands another login") as error:
            store.write([ROW])
        assert_tells_nothing(error.value)


def test_user_without_a_right_is_told_so_whichever_it_is(tmp_path: Path) -> None:
    """A command may be missing outside of the script, or inside."""
    fewer = replace(ROW, revision=1, features=replace(ROW.features, max_speed_kmh=None))
    with server(tmp_path) as port, store_of(port) as (client, _):
        for command in ("hset", "hmget", "hgetall", "hlen", "hkeys", "hdel", "pexpire", "evalsha"):
            client.execute_command(f"ACL SETUSER u reset on >p ~* +@all -{command}")
            url = f"redis://u:p@127.0.0.1:{port}/0"
            with (
                open_answering(Settings(redis_url=url)) as poor,
                pytest.raises(StoreUnusable, match=r"demands another login \(NOPERM\)") as error,
            ):
                store = FeatureStore(poor, TTL_MS)
                client.hset(ROW.redis_key, mapping={f"left-{n}": n for n in range(30)})
                store.write([ROW])
                store.write([fewer, replace(fewer, window_start=1)])
            assert_tells_nothing(error.value)


def test_user_who_may_not_ask_what_it_writes_to_may_write(tmp_path: Path) -> None:
    with (
        server(tmp_path, "--rename-command", "INFO", "hidden") as port,
        store_of(port) as (_, mute),
    ):
        assert mute.write([ROW]) == (0, 0, [])


@pytest.mark.parametrize(
    ("url", "says"),
    [("redis://127.0.0.1:{}/99", "a database that Redis"), ("redis://:p@127.0.0.1:{}", "leave it")],
)
def test_url_that_asks_for_what_is_not_there_is_one_sentence(
    tmp_path: Path, url: str, says: str
) -> None:
    with server(tmp_path) as port, pytest.raises(StoreUnusable, match=says):
        open_answering(Settings(redis_url=url.format(port)))


def test_store_without_room_for_a_client_is_waited_for(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, _):
        client.config_set("maxclients", 1)
        other = FeatureStore(redis.Redis("127.0.0.1", port), TTL_MS)
        with pytest.raises(StoreAway, match="no room for another client"):
            other.write([ROW])
        client.config_set("maxclients", 100)
        assert other.write([ROW]) == (0, 0, [])


def test_replica_that_serves_nothing_is_waited_for(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", str(free_port()))
        with pytest.raises(StoreAway, match="MASTERDOWN: it is a replica whose primary is away"):
            store.write([ROW])
        client.replicaof("NO", "ONE")
        assert store.write([ROW]) == (0, 0, [])


def test_store_that_a_script_keeps_busy_is_waited_for(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        client.config_set("lua-time-limit", 1)
        with redis.Redis("127.0.0.1", port) as other, ThreadPoolExecutor(1) as pool:
            endless = pool.submit(other.eval, "while true do end", 0)
            eventually(lambda: is_busy(client))
            with pytest.raises(StoreAway, match="BUSY: a script of somebody keeps it busy"):
                store.write([ROW])
            client.script_kill()
            with pytest.raises(redis.ResponseError):
                endless.result()
        assert store.write([ROW]) == (0, 0, [])


@pytest.mark.parametrize(
    ("flags", "mode"), [(("--cluster-enabled", "yes"), "cluster"), (("--sentinel",), "sentinel")]
)
def test_cluster_and_sentinel_are_refused(
    tmp_path: Path, flags: tuple[str, ...], mode: str
) -> None:
    if mode == "sentinel":
        (tmp_path / "sentinel.conf").touch()
        flags = (str(tmp_path / "sentinel.conf"), *flags)
    with server(tmp_path, *flags) as port, pytest.raises(StoreUnusable, match=f"is a {mode}"):
        open_answering(Settings(redis_host="127.0.0.1", redis_port=port))


def is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.ResponseError:
        return True
    return False


def test_script_that_was_flushed_is_given_again(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (client, store):
        store.write([ROW])
        client.script_flush()
        assert store.write([replace(ROW, revision=1)]) == (0, 0, [])


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (
            redis.ConnectionError("Error 111 while writing card_1"),
            StoreAway,
            "no Redis answers: start one",
        ),
        (redis.TimeoutError("card_1"), StoreAway, "in time"),
        (redis.BusyLoadingError("loading card_1"), StoreAway, "loading"),
        (redis.ResponseError("MISCONF card_1"), StoreAway, "disk"),
        (redis.ResponseError("MOVED 1 card_1"), StoreUnusable, "cluster"),
        (redis.ResponseError("CROSSSLOT card_1"), StoreUnusable, "cluster"),
        (redis.ResponseError("unknown command, with args: card_1"), StoreUnusable, "ERR"),
    ],
)
def test_each_trouble_has_its_sentence(error: Exception, kind: type, word: str) -> None:
    meaning = trouble(error)
    assert type(meaning) is kind and word in str(meaning)
    assert_tells_nothing(meaning)


def assert_tells_nothing(error: Exception) -> None:
    """No key, no payload, no command of redis-py."""
    assert not any(word in str(error) for word in ("card_1", "EVALSHA", "window_end"))


# --- rows of one identity that differ ---


def test_same_hash_remains_in_whatever_order_the_rows_come(tmp_path: Path) -> None:
    rows = [with_count(2), with_count(3), with_count(3, largest=201), with_count(1)]
    with server(tmp_path) as port, store_of(port) as (client, store):
        remaining = []
        for order in permutations(rows):
            client.flushall()
            stored = [store.write([row]) for row in order]
            assert sum(result.conflicts for result in stored) == len(rows) - 1
            remaining.append(hashes(client))
        client.flushall()
        assert store.write(rows).conflicts == len(rows) - 1
        remaining.append(hashes(client))
    assert all(held == remaining[0] for held in remaining)
    (held,) = remaining[0].values()
    assert (held[b"tx_count"], held[b"amount_max_cents"]) == (b"3", b"201")


def test_same_row_again_is_no_conflict(tmp_path: Path) -> None:
    with server(tmp_path) as port, store_of(port) as (_, store):
        assert store.write([ROW, ROW]) == (0, 0, [])
        assert store.write([ROW]) == (1, 0, [])


def with_count(count: int, largest: int = 200) -> FeatureRow:
    features = replace(ROW.features, tx_count=count, amount_max_cents=largest)
    return replace(ROW, features=features)


# --- the processor ---


def test_rows_not_stored_are_letters_and_the_rest_goes_on(world: World) -> None:
    world.seed(2_000, seed=41)
    rows = world.reference().output.rows
    victim = rows[0].redis_key
    world.redis().set(victim, "text")
    run = world.start()
    eventually(lambda: victim in run.get("/metrics")[1] or refused(run) > 0)
    status, page = run.get("/healthz")
    assert status == 503 and "wrongtype" in page
    expected = {encode_row(row) for row in rows if row.redis_key == victim}
    eventually(lambda: run.samples("features_lag_records") and lag(run) == 0)
    assert run.stop() == 0
    letters = [
        record
        for records in world.read((DEAD_LETTER_TOPIC,)).values()
        for record in records
        if dict(record.headers)["reason"] == b"unstored"
    ]
    assert letters and {record.value for record in letters} <= expected
    assert {dict(record.headers)["cause"] for record in letters} == {b"wrongtype"}
    world.redis().delete(victim)
    stored = world.stored_by([row for row in rows if row.redis_key != victim])
    assert hashes(world.redis()) == stored
    for text in (run.log.read_text(), page):
        assert "EVALSHA" not in text and victim not in text


def refused(run: object) -> float:
    return sum(run.samples("features_rows_unstored_total").values())  # type: ignore[attr-defined]


def lag(run: object) -> float:
    return sum(run.samples("features_lag_records").values())  # type: ignore[attr-defined]
