"""What the course says about Redis, on a real server."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from redis import Redis, ResponseError

pytestmark = pytest.mark.services

PATIENCE_S = 60


@pytest.fixture
def key() -> str:
    return f"claims:{uuid4().hex}"


@pytest.mark.claim("redis-hset-overwrites")
def test_writing_a_hash_twice_is_writing_it_once(store: Redis, key: str):
    for _ in range(2):
        store.hset(key, mapping={"tx_count": 3})
    assert store.hgetall(key) == {"tx_count": "3"}


@pytest.mark.claim("redis-hincrby-adds-each-time")
def test_counting_twice_counts_double(store: Redis, key: str):
    for _ in range(2):
        store.hincrby(key, "tx_count", 3)
    assert store.hgetall(key) == {"tx_count": "6"}


@pytest.mark.claim("redis-keys-expire")
def test_a_key_goes_when_its_time_is_over(store: Redis, key: str):
    store.hset(key, mapping={"tx_count": 3})
    assert store.ttl(key) == -1  # without a time it stays
    store.pexpire(key, 20)
    deadline = time.monotonic() + PATIENCE_S
    while store.exists(key) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.hgetall(key) == {}


@pytest.mark.claim("redis-hset-keeps-the-ttl")
def test_writing_again_does_not_prolong_a_life(store: Redis, key: str):
    store.hset(key, mapping={"tx_count": 3})
    store.expire(key, 1_000)
    ends = store.expiretime(key) if store.info()["redis_version"] >= "7" else None
    store.hset(key, mapping={"tx_count": 4})
    assert 0 < store.ttl(key) <= 1_000
    assert ends is None or store.expiretime(key) == ends


@pytest.mark.claim("redis-multi-takes-nothing-back")
def test_what_a_multi_has_written_is_there_at_once_and_stays(store: Redis, key: str):
    other = Redis(**store.connection_pool.connection_kwargs)
    for _ in range(2):  # a job that is killed after it, and writes again
        with store.pipeline(transaction=True) as multi:
            multi.incrby(key, 3).lpush(key, "no list").incrby(f"{key}:2", 3)
            with pytest.raises(ResponseError, match="WRONGTYPE"):
                multi.execute()
    assert (other.get(key), other.get(f"{key}:2")) == ("6", "6")
    other.close()
