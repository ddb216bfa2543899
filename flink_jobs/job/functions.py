"""The Python functions of the production job: decode records, finish rows.

Each function is a thin shell around what the development processor calls, so that the two
executions cannot disagree. All are vectorised (Flink's *pandas* functions): Flink calls them once
for a batch of records. SQL calls a function with the columns that `arguments` names, so that a
column meets its parameter by name, wherever the column stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
import pandas as pd
from msgspec import Struct
from pyflink.table import DataTypes, FunctionContext
from pyflink.table.types import RowType
from pyflink.table.udf import ScalarFunction

from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import WriteResult
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, Click, EventDecoder, Malformed
from flink_jobs.features.catalog import FRAUD, PERSONALIZATION, SESSION
from flink_jobs.features.clickstream import PersonalizationAggregate, session_features
from flink_jobs.features.row import FeatureRow, Features, encode_row
from flink_jobs.features.transactions import FraudAggregate
from flink_jobs.job.counters import counter

Deliver: TypeAlias = Callable[[list[FeatureRow]], WriteResult]
"""Takes a batch of rows on their way to the sink, such as into a store."""


def no_delivery(rows: list[FeatureRow]) -> WriteResult:
    """Deliver a batch of rows nowhere: the sink alone gets them."""
    return WriteResult(0, 0, ())


class PaymentFields(Struct, frozen=True, gc=False, array_like=True):
    """What a line carries of a payment, by the event's names: all but `event_id` and `card_id`.

    The order of the fields is part of the job's state: windows hold lines, and a line is a JSON
    array. Another order, or another field, is another job (`state.py` refuses the state then).
    """

    event_time: int
    amount_cents: int
    merchant_id: str
    country: str
    lat: float
    lon: float


class ClickFields(Struct, frozen=True, gc=False, array_like=True):
    """What a line carries of a click, by the event's names: all but `event_id` and `user_id`.

    The order of the fields is part of the job's state, as in `PaymentFields`.
    """

    event_time: int
    event_type: str
    item_id: str
    amount_cents: int | None


FIELDS: Final[Mapping[str, type[PaymentFields] | type[ClickFields]]] = {
    TRANSACTIONS: PaymentFields,
    CLICKSTREAM: ClickFields,
}
"""What a line carries, by topic. A new feature of these fields changes neither SQL nor state."""

_COLUMNS: Final = {
    TRANSACTIONS: {"event_time": DataTypes.BIGINT(), "entity": DataTypes.STRING()},
    CLICKSTREAM: {
        "event_time": DataTypes.BIGINT(),
        "entity": DataTypes.STRING(),
        "event_type": DataTypes.STRING(),  # sessions are counted in SQL
    },
}


def event_columns(topic: str) -> tuple[str, ...]:
    """Return the columns of a decoded event of `topic` that SQL itself reads, in order."""
    return tuple(_COLUMNS[topic])


def event_type(topic: str) -> RowType:
    """Return the SQL type of a decoded event of `topic`: its columns, and its fields as JSON."""
    columns = {**_COLUMNS[topic], "fields": DataTypes.STRING()}
    return DataTypes.ROW([DataTypes.FIELD(name, kind) for name, kind in columns.items()])


def arguments(function: Callable[..., object]) -> str:
    """Return the SQL columns to call a function with: the function's parameters, in their order.

    >>> arguments(lambda entity, lines: None)
    '`entity`, `lines`'
    """
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return ", ".join(f"`{name}`" for name in names)


class RecordDecoder(ScalarFunction):  # type: ignore[misc]
    """Decodes the records of one topic; every column of a malformed record is null."""

    def __init__(self, topic: str) -> None:
        """Decode records of `topic`."""
        self._topic = topic

    def open(self, function_context: FunctionContext) -> None:
        """Build the decoder in the worker: Flink pickles this object, and a decoder cannot be."""
        self._decode = EventDecoder(self._topic).decode
        self._encode = msgspec.json.Encoder().encode
        self._consumed = counter(function_context, "consumed", topic=self._topic)
        self._fields = attrgetter(*FIELDS[self._topic].__struct_fields__)
        self._columns = (*event_columns(self._topic), "fields")
        self._malformed = (None,) * len(self._columns)

    def eval(self, keys: pd.Series[Any], values: pd.Series[Any]) -> pd.DataFrame:
        """Decode a batch: a column of keys and one of values, both bytes or None."""
        self._consumed.inc(len(keys))
        columns = [self._event(key, value) for key, value in zip(keys, values, strict=True)]
        # object: by itself pandas makes floats of whole numbers beside a null.
        batch: pd.DataFrame = pd.DataFrame(columns, columns=self._columns, dtype=object)
        return batch

    def _event(self, key: bytes | None, value: bytes | None) -> tuple[Any, ...]:
        try:
            event = self._decode(key, value)
        except Malformed:
            return self._malformed
        fields = self._encode(self._fields(event)).decode()
        if isinstance(event, Click):
            return event.event_time, event.key, event.event_type, fields
        return event.event_time, event.key, fields


class RowFinisher(ScalarFunction):  # type: ignore[misc]
    """Finishes the rows of one feature set, and delivers each batch, such as to Redis.

    A result is the row's Redis key and the row as JSON; both are null where no event is left in a
    window.
    """

    def __init__(self, feature_set: str, connect: Callable[[], Deliver], names: Names) -> None:
        """Finish rows of `feature_set`.

        Args:
            feature_set: The name of the set.
            connect: Returns what delivers rows; runs in the worker, where the rows are made.
            names: What the rows' keys are called.
        """
        self._names = names
        self._feature_set = feature_set
        self._connect = connect

    def open(self, function_context: FunctionContext) -> None:
        """Connect to the store in the worker: Flink pickles this object, and no connection is."""
        self._deliver = self._connect()
        self._finish = FINISHERS[self._feature_set]
        self._emitted = counter(function_context, "rows", feature_set=self._feature_set)
        self._unstored = counter(function_context, "unstored", feature_set=self._feature_set)
        self._conflicts = counter(function_context, "key_conflicts", feature_set=self._feature_set)

    def eval(self, *columns: pd.Series[Any]) -> pd.DataFrame:
        """Finish and deliver a batch: columns in the order of the finisher's parameters.

        Flink finishes a batch before it lets a checkpoint's barrier pass. So whatever a checkpoint
        covers has been delivered, and a restart delivers again at most what came after it.
        """
        # tolist: Python's own numbers, for the encoder knows none of NumPy's.
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
                (None, None)
                if row is None
                else (self._names.key(self._feature_set, row.key), encode_row(row).decode())
                for row in finished
            ],
            columns=["redis_key", "feature_row"],
            dtype=object,
        )
        return batch

    def is_deterministic(self) -> bool:
        """Return False: calls have an effect, so the planner may neither repeat nor skip one."""
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
    """Return the events of a window, with their offsets, whose verdict found the window open.

    A line is the watermark by which its event was judged, the event's offset, and its fields.
    """
    # Flink's windows are behind the partition's own watermark, and so hold events that came when
    # their partition had closed the window. Each such event has a dead letter that lists it.
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
"""The function that finishes a row, by feature set. Its parameters are columns of the SQL file; the
first three are the row's own: entity, start and end of the window, epoch milliseconds."""
