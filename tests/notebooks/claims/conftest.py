"""The real engines for the proofs: one Flink, one broker and one store for all of them."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.support.services.flink import Flink


@pytest.fixture(scope="session")
def flink() -> Flink:
    return Flink()


@pytest.fixture
def store(redis_address: tuple[str, int]) -> Redis:
    host, port = redis_address
    return Redis(host, port, decode_responses=True)
