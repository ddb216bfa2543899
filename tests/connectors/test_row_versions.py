"""Rows of two releases in one store: neither reader is surprised by the other's rows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import redis
from msgspec import Struct

from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import FeatureStore, read_features
from flink_jobs.features.row import SCHEMA_VERSION, FeatureRow, encode_row
from flink_jobs.features.transactions import FraudFeatures
from tests.support.inputs.rows import fraud_row

pytestmark = pytest.mark.services

NAMES = Names("versions")
KEY = NAMES.key("fraud", "card_1")


class NewFraudFeatures(FraudFeatures, frozen=True):
    """The features of a later release, which has one more."""

    night_count: int = 2


class OldReader(Struct):
    """What a program reads that was written for the release before: some names, all of them old."""

    window_end: int
    schema_version: int
    tx_count: int
    amount_sum_cents: int
    reason_codes: list[str]
    max_speed_kmh: float | None = None


class NewReader(OldReader, kw_only=True):
    """A program that was written for the later release."""

    night_count: int | None = None


@pytest.fixture
def client(redis_address) -> Iterator[redis.Redis]:
    with redis.Redis(*redis_address) as client:
        client.delete(KEY)
        yield client


def of_later_release(row: FeatureRow) -> FeatureRow:
    features = NewFraudFeatures(**msgspec.structs.asdict(row.features))
    return msgspec.structs.replace(row, features=features)


def written(client: redis.Redis, row: FeatureRow) -> dict[str, object]:
    store = FeatureStore(client, {"fraud": 60_000}, NAMES)
    stored = store.write([row])
    assert not (stored.stale or stored.conflicts or stored.refused)
    return read_features(client, KEY)


def test_an_old_reader_takes_a_new_row_for_what_it_knows(client):
    row = fraud_row(revision=0)
    new = of_later_release(row)
    assert msgspec.convert(written(client, new), OldReader) == OldReader(
        row.window_end,
        SCHEMA_VERSION,
        row.features.tx_count,
        row.features.amount_sum_cents,
        list(row.features.reason_codes),
    )
    in_kafka = msgspec.json.decode(encode_row(new))["features"]
    assert msgspec.convert(in_kafka, FraudFeatures) == row.features


def test_a_new_reader_takes_what_an_old_row_lacks_for_null(client):
    held = written(client, fraud_row(revision=0))
    assert msgspec.convert(held, NewReader).night_count is None
    assert msgspec.convert(held, NewReader).tx_count == 2


def test_after_a_step_back_nothing_of_the_newer_release_remains(client):
    row = fraud_row(revision=0)
    assert written(client, of_later_release(row))["night_count"] == 2
    later = msgspec.structs.replace(row, window_end=row.window_end + 60_000)
    assert "night_count" not in written(client, later)
