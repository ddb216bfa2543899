"""The Python functions of the production job: decode records, finish rows.

Each is a thin shell around what the development processor calls, so the two cannot disagree. All
are vectorised: they are called once for a batch of records. SQL calls a function with the columns
that `arguments` names, so that a column meets its parameter by name, wherever it stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
import pandas as pd
from msgspec import Struct
from pyflink.table import DataTypes, FunctionContext
from pyflink.table.types import RowType
from pyflink.table.udf import ScalarFunction

from flink_jobs.connectors.redis import WriteResult
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, Click, EventDecoder, Malformed
from flink_jobs.features.catalog import FRAUD, PERSONALIZATION, SESSION
from flink_jobs.features.clickstream import PersonalizationAggregate, session_features
from flink_jobs.features.row import FeatureRow, Features, encode_row
from flink_jobs.features.transactions import FraudAggregate
from flink_jobs.job.counters import counter

Deliver: TypeAlias = Callable[[list[FeatureRow]], WriteResult]
"""What is done with a batch of rows besides sending them on: writing them to a store."""


def no_delivery(rows: list[FeatureRow]) -> WriteResult:
    """Do nothing with a batch of rows besides sending them on."""
    return WriteResult(0, 0, ())


class PaymentFields(Struct, frozen=True, gc=False, array_like=True):
    """What a line carries of a payment, named as in the event: all but its id and its card."""

    event_time: int
    amount_cents: int
    merchant_id: str
    country: str
    lat: float
    lon: float


class ClickFields(Struct, frozen=True, gc=False, array_like=True):
    """What a line carries of a click, named as in the event: all but its id and its user."""

    event_time: int
    event_type: str
    item_id: str
    amount_cents: int | None


FIELDS: Final[Mapping[str, type[PaymentFields] | type[ClickFields]]] = {
    TRANSACTIONS: PaymentFields,
    CLICKSTREAM: ClickFields,
}
"""By topic, what a line carries. A new feature of these fields changes neither SQL nor state."""

_COLUMNS: Final = {
    TRANSACTIONS: {"event_time": DataTypes.BIGINT(), "entity": DataTypes.STRING()},
    CLICKSTREAM: {
        "event_time": DataTypes.BIGINT(),
        "entity": DataTypes.STRING(),
        "event_type": DataTypes.STRING(),  # sessions are counted in SQL
    },
}


def event_columns(topic: str) -> tuple[str, ...]:
    """Return the columns of an event of `topic` that SQL itself reads, in order."""
    return tuple(_COLUMNS[topic])


def event_type(topic: str) -> RowType:
    """Return the SQL type of a decoded event of `topic`: its columns, and its fields as JSON."""
    columns = {**_COLUMNS[topic], "fields": DataTypes.STRING()}
    return DataTypes.ROW([DataTypes.FIELD(name, kind) for name, kind in columns.items()])


def arguments(function: Callable[..., object]) -> str:
    """Return the columns to call a function with: its parameters, in their order.

    >>> arguments(lambda entity, lines: None)
    '`entity`, `lines`'
    """
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return ", ".join(f"`{name}`" for name in names)


class RecordDecoder(ScalarFunction):  # type: ignore[misc]
    """Decodes the records of one topic; every column of a malformed one is null."""

    def __init__(self, topic: str) -> None:
        """RecordDecoder records of `topic`."""
        self._topic = topic

    def open(self, function_context: FunctionContext) -> None:
        """Build the decoder, which cannot be sent to another process."""
        self._decode = EventDecoder(self._topic).decode
        self._encode = msgspec.json.Encoder().encode
        self._consumed = counter(function_context, "consumed", topic=self._topic)
        self._names = FIELDS[self._topic].__struct_fields__
        self._columns = (*event_columns(self._topic), "fields")
        self._malformed = (None,) * len(self._columns)

    def eval(self, keys: pd.Series[Any], values: pd.Series[Any]) -> pd.DataFrame:
        """RecordDecoder a batch."""
        self._consumed.inc(len(keys))
        columns = [self._event(key, value) for key, value in zip(keys, values, strict=True)]
        batch: pd.DataFrame = pd.DataFrame(columns, columns=self._columns, dtype=object)
        return batch

    def _event(self, key: bytes | None, value: bytes | None) -> tuple[Any, ...]:
        try:
            event = self._decode(key, value)
        except Malformed:
            return self._malformed
        fields = self._encode([getattr(event, name) for name in self._names]).decode()
        if isinstance(event, Click):
            return event.event_time, event.key, event.event_type, fields
        return event.event_time, event.key, fields


class RowFinisher(ScalarFunction):  # type: ignore[misc]
    """Finishes the rows of one feature set, and delivers them besides, such as to Redis.

    A row is its Redis key, and itself as JSON; both are null where a window has no event left.
    """

    def __init__(self, feature_set: str, connect: Callable[[], Deliver]) -> None:
        """Finish rows of `feature_set`; `connect` runs in the process where the rows are made."""
        self._feature_set = feature_set
        self._connect = connect

    def open(self, function_context: FunctionContext) -> None:
        """Connect to where rows are delivered."""
        self._deliver = self._connect()
        self._finish = FINISHERS[self._feature_set]
        self._emitted = counter(function_context, "rows", feature_set=self._feature_set)
        self._unstored = counter(function_context, "unstored", feature_set=self._feature_set)
        self._conflicts = counter(function_context, "key_conflicts", feature_set=self._feature_set)

    def eval(self, *columns: pd.Series[Any]) -> pd.DataFrame:
        """Finish and deliver a batch: columns in the order of the finisher's parameters."""
        finished = [
            self._row(*values)
            for values in zip(*(column.tolist() for column in columns), strict=True)
        ]
        rows = [row for row in finished if row is not None]
        stored = self._deliver(rows)
        self._emitted.inc(len(rows))
        self._unstored.inc(len(stored.refused))
        self._conflicts.inc(stored.conflicts)
        batch: pd.DataFrame = pd.DataFrame(
            [
                (None, None) if row is None else (row.redis_key, encode_row(row).decode())
                for row in finished
            ],
            columns=["redis_key", "feature_row"],
            dtype=object,
        )
        return batch

    def is_deterministic(self) -> bool:
        """Tell the planner that calls have an effect: none may be repeated or left out."""
        return False

    def _row(self, entity: str, start_ms: int, end_ms: int, *parts: Any) -> FeatureRow | None:  # noqa: ANN401
        features = self._finish(entity, start_ms, end_ms, *parts)
        if features is None:
            return None
        return FeatureRow(self._feature_set, entity, start_ms, end_ms, 0, features)


_payments: Final = msgspec.json.Decoder(list[tuple[int, int, PaymentFields]]).decode
_clicks: Final = msgspec.json.Decoder(list[tuple[int, int, ClickFields]]).decode
_FRAUD: Final = FraudAggregate()
_PERSONALIZATION: Final = PersonalizationAggregate()


def _open_in(end_ms: int, lines: list[tuple[int, int, Any]]) -> list[tuple[Any, int]]:
    """Return the events of a window, with their offsets, that came before it was closed.

    A line is the watermark by which its event was judged, its offset, and its fields.
    """
    last_ms = end_ms - 1
    return [(event, offset) for watermark_ms, offset, event in lines if watermark_ms < last_ms]


def _fraud(entity: str, start_ms: int, end_ms: int, lines: str) -> Features | None:
    payments = _open_in(end_ms, _payments(f"[{lines}]"))
    return _FRAUD.finish(_FRAUD.lift(payments)) if payments else None


def _personalization(entity: str, start_ms: int, end_ms: int, lines: str) -> Features | None:
    clicks = _open_in(end_ms, _clicks(f"[{lines}]"))
    return _PERSONALIZATION.finish(_PERSONALIZATION.lift(clicks)) if clicks else None


def _session(
    entity: str,
    start_ms: int,
    end_ms: int,
    events: int,
    page_views: int,
    clicks: int,
    add_to_carts: int,
    purchases: int,
    first_ms: int,
    last_ms: int,
    first_view_ms: int,
    last_view_ms: int,
) -> Features:
    return session_features(
        events=events,
        page_views=page_views,
        clicks=clicks,
        add_to_carts=add_to_carts,
        purchases=purchases,
        first_ms=first_ms,
        last_ms=last_ms,
        first_view_ms=first_view_ms,
        last_view_ms=last_view_ms,
    )


FINISHERS: Final[Mapping[str, Callable[..., Features | None]]] = {
    FRAUD.name: _fraud,
    PERSONALIZATION.name: _personalization,
    SESSION.name: _session,
}
"""How a row of a feature set is finished. The parameters are the columns of the SQL file, and the
first three those of the row: entity, start and end of the window."""
