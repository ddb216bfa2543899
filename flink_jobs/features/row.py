"""A feature row: the features of one entity in one window, as Kafka and Redis carry them."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from flink_jobs.features.clickstream import PersonalizationFeatures, SessionFeatures
from flink_jobs.features.transactions import FraudFeatures

SCHEMA_VERSION: Final = 1
"""The version of what rows mean. A feature more leaves it as it is: readers pass over names that
they do not know. The version grows when a name goes, or gets another meaning or unit."""

ROW_HEADERS: Final = (("schema_version", str(SCHEMA_VERSION).encode()),)
"""The Kafka headers of a row. The store has the version in the hash."""

Features: TypeAlias = FraudFeatures | PersonalizationFeatures | SessionFeatures


class FeatureRow(Struct, frozen=True, gc=False):
    """The features of `key` in `[window_start, window_end)`, epoch milliseconds of event time.

    In the store a row with a greater `(window_end, revision)` replaces one with a smaller. For a
    session the window is from the first event to the last event plus the gap.
    """

    feature_set: str
    key: str
    window_start: int
    window_end: int
    revision: int
    features: Features

    @property
    def redis_key(self) -> str:
        """The key of the entity's hash, and of the row's record in the feature topic."""
        return f"features:{self.feature_set}:{self.key}"


encode_row = msgspec.json.Encoder().encode
"""Return the JSON of a feature row: the value of a Kafka record, and a line of `features.jsonl`."""
