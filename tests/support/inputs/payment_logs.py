"""Random logs of one partition, small and dense with trouble, and how to compare what comes out."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from flink_jobs import dead_letter
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.features.row import encode_row
from flink_jobs.processor.partition import Output

BASE_MS = 1_760_000_400_000
MINUTE = 60_000


class Life(NamedTuple):
    """How long a processor lives: records it reads, how many at a time, and after its commit."""

    records: int
    batch: int
    after_commit: int


def canonical(output: Output) -> list[bytes]:
    """Return the lines of rows and dead letters, sorted: equal lists are equal outputs."""
    rows = [encode_row(row) for row in output.rows]
    return sorted([*rows, *(dead_letter.encode_line(letter) for letter in output.letters)])


def rules() -> st.SearchStrategy[Settings]:
    """Draw windows, bound and lateness."""
    return st.builds(
        Settings,
        window_size_minutes=st.integers(1, 5),
        window_slide_seconds=st.sampled_from([20, 30, 60]),
        max_out_of_orderness_seconds=st.sampled_from([0, 1, 30, 90, 3_600]),
        allowed_lateness_seconds=st.sampled_from([0, 1, 45, 200]),
    )


def payment_log() -> st.SearchStrategy[list[LogRecord]]:
    """Draw a log of payments."""
    return _logs(TRANSACTIONS)


def click_log() -> st.SearchStrategy[list[LogRecord]]:
    """Draw a log of clicks, with silences around the gap of a session."""
    return _logs(CLICKSTREAM)


_moves = st.one_of(
    st.integers(-2 * MINUTE, 3 * MINUTE),
    st.sampled_from([0, 1, -1, MINUTE, -MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 30 * MINUTE + 1]),
    st.integers(-40 * MINUTE, 40 * MINUTE),
)


@st.composite
def _logs(draw: st.DrawFn, topic: str) -> list[LogRecord]:
    records = []
    offset, at = draw(st.integers(0, 3)), BASE_MS
    for move in draw(st.lists(_moves, max_size=40)):
        at += move
        appended = max(at, BASE_MS) + draw(st.integers(0, 1_000))
        kind = draw(st.integers(0, 19))
        key, value = _click(draw, at) if topic == CLICKSTREAM else _payment(draw, at)
        if kind == 0:
            value = b"no event"
        elif kind == 1:
            appended = at - 10 * MINUTE  # by far in the future
        records.append(LogRecord(topic, 0, offset, appended, key, value))
        offset += draw(st.sampled_from([1, 1, 1, 2, 5]))  # transactions leave holes
    return records


def _payment(draw: st.DrawFn, at: int) -> tuple[bytes, bytes]:
    card = draw(st.sampled_from("ab"))
    fields: dict[str, Any] = {
        "event_id": "e",
        "card_id": card,
        "merchant_id": draw(st.sampled_from("mno")),
        "amount_cents": draw(st.integers(0, 90_000)),
        "country": draw(st.sampled_from(["LU", "FR"])),
        "lat": draw(st.floats(-90, 90)),
        "lon": draw(st.floats(-180, 180)),
        "event_time": at,
    }
    return card.encode(), msgspec.json.encode(fields)


def _click(draw: st.DrawFn, at: int) -> tuple[bytes, bytes]:
    user = draw(st.sampled_from("ab"))
    kind = draw(st.sampled_from(["impression", "page_view", "click", "add_to_cart", "purchase"]))
    fields: dict[str, Any] = {
        "event_id": "e",
        "user_id": user,
        "event_type": kind,
        "item_id": draw(st.sampled_from("xyz")),
        "event_time": at,
    }
    if kind == "purchase":
        fields["amount_cents"] = draw(st.integers(0, 9_000))
    return user.encode(), msgspec.json.encode(fields)
