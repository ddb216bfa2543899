"""The Python functions of the production job: decode a record, finish a row, write a dead letter.

Each is a thin shell around what the development processor calls, so the two cannot disagree. All
but the dead letters, which are rare, are vectorised: they are called once for a batch of records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
import pandas as pd
from pyflink.table import DataTypes, FunctionContext
from pyflink.table.types import RowType
from pyflink.table.udf import ScalarFunction

from flink_jobs.events import EVENT_TYPES, EventDecoder, Malformed
from flink_jobs.features.catalog import FRAUD, PERSONALIZATION, SESSION
from flink_jobs.features.clickstream import personalization_features, session_features
from flink_jobs.features.row import FeatureRow, Features, encode_row
from flink_jobs.features.transactions import fraud_features
from flink_jobs.features.travel import Stop, path_of
from flink_jobs.job.counters import counter

Deliver: TypeAlias = Callable[[list[FeatureRow]], object]
"""What is done with a batch of rows besides sending them on: writing them to a store."""

_SQL_TYPES: Final = {
    "event_time": DataTypes.BIGINT(),
    "amount_cents": DataTypes.BIGINT(),
    "lat": DataTypes.DOUBLE(),
    "lon": DataTypes.DOUBLE(),
}
"""The SQL types of the fields of events; all others are STRING."""


def event_columns(topic: str) -> tuple[str, ...]:
    """Return the fields of the events of `topic`, in order."""
    return EVENT_TYPES[topic].__struct_fields__


def event_type(topic: str) -> RowType:
    """Return the SQL type of a decoded event of `topic`."""
    names = event_columns(topic)
    types = [_SQL_TYPES.get(name, DataTypes.STRING()) for name in names]
    return DataTypes.ROW([DataTypes.FIELD(*field) for field in zip(names, types, strict=True)])


class Decode(ScalarFunction):  # type: ignore[misc]
    """Decodes the records of one topic; every field of a malformed one is null."""

    def __init__(self, topic: str) -> None:
        """Decode records of `topic`."""
        self._topic = topic

    def open(self, function_context: FunctionContext) -> None:
        """Build the decoder, which cannot be sent to another process."""
        self._decode = EventDecoder(self._topic).decode
        self._consumed = counter(function_context, "consumed", topic=self._topic)
        self._columns = event_columns(self._topic)
        self._malformed = (None,) * len(self._columns)

    def eval(self, keys: pd.Series[Any], values: pd.Series[Any]) -> pd.DataFrame:
        """Decode a batch."""
        self._consumed.inc(len(keys))
        fields = [self._fields(key, value) for key, value in zip(keys, values, strict=True)]
        batch: pd.DataFrame = pd.DataFrame(fields, columns=self._columns, dtype=object)
        return batch

    def _fields(self, key: bytes | None, value: bytes | None) -> tuple[Any, ...]:
        try:
            return msgspec.structs.astuple(self._decode(key, value))
        except Malformed:
            return self._malformed


class Finish(ScalarFunction):  # type: ignore[misc]
    """Finishes the rows of one feature set: their Redis keys, and the rows as JSON."""

    def __init__(self, feature_set: str, connect: Callable[[], Deliver]) -> None:
        """Finish rows of `feature_set`; `connect` runs in the process where the rows are made."""
        self._feature_set = feature_set
        self._connect = connect

    def open(self, function_context: FunctionContext) -> None:
        """Connect to where rows are delivered."""
        self._deliver = self._connect()
        self._features = FINISHERS[self._feature_set]
        self._emitted = counter(function_context, "rows", feature_set=self._feature_set)

    def eval(self, *columns: pd.Series[Any]) -> pd.DataFrame:
        """Finish and deliver a batch: columns of keys, starts, ends and then the parts."""
        rows = [
            FeatureRow(self._feature_set, key, start_ms, end_ms, 0, self._features(*parts))
            for key, start_ms, end_ms, *parts in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]
        self._deliver(rows)
        self._emitted.inc(len(rows))
        finished: pd.DataFrame = pd.DataFrame(
            [(row.redis_key, encode_row(row).decode()) for row in rows],
            columns=["redis_key", "feature_row"],
        )
        return finished

    def is_deterministic(self) -> bool:
        """Tell the planner that calls have an effect: none may be repeated or left out."""
        return False


def _fraud(lines: str, squares: Decimal, *parts: int) -> Features:
    """Finish a window; a line is the "time offset lat lon country merchant" of a payment."""
    stops, countries, merchants = [], set(), set()
    for line in lines.split("\n"):
        event_ms, offset, lat, lon, country, merchant = line.split(" ", 5)
        stops.append(Stop(int(event_ms), int(offset), float(lat), float(lon)))
        countries.add(country)
        merchants.add(merchant)
    return fraud_features(
        path=path_of(stops),
        amount_squares=int(squares),
        distinct_merchants=len(merchants),
        distinct_countries=len(countries),
        **_named(parts, "tx_count", "amount_sum_cents", "amount_max_cents"),
    )


def _personalization(items: str, *parts: int) -> Features:
    """Finish a window; a line of `items` is the item of a click."""
    return personalization_features(
        distinct_items=len(set(items.split("\n"))),
        **_named(
            parts,
            "impressions",
            "page_views",
            "clicks",
            "add_to_carts",
            "purchases",
            "purchase_sum_cents",
            "last_ms",
        ),
    )


def _session(*parts: int) -> Features:
    return session_features(
        **_named(
            parts,
            "events",
            "page_views",
            "clicks",
            "add_to_carts",
            "purchases",
            "first_ms",
            "last_ms",
            "first_view_ms",
            "last_view_ms",
        )
    )


def _named(parts: Sequence[int], *names: str) -> dict[str, int]:
    return dict(zip(names, parts, strict=True))


FINISHERS: Final[Mapping[str, Callable[..., Features]]] = {
    FRAUD.name: _fraud,
    PERSONALIZATION.name: _personalization,
    SESSION.name: _session,
}
"""How a row of a feature set is finished; the arguments come in the order of the SQL file."""
