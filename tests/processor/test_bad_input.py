"""Bad input: whatever a topic holds, every record is accounted for and nothing stops."""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import CLICKSTREAM, EVENT_TYPES, TRANSACTIONS
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.partition import Output, Partition
from tests.support.inputs.payment_logs import BASE_MS
from tests.support.inputs.records import mutated

PAYMENT: dict[str, Any] = {
    "event_id": "e1",
    "card_id": "c1",
    "merchant_id": "m1",
    "amount_cents": 100,
    "country": "LU",
    "lat": 49.6,
    "lon": 6.1,
    "event_time": BASE_MS,
}
CLICK: dict[str, Any] = {
    "event_id": "e1",
    "user_id": "u1",
    "event_type": "click",
    "item_id": "i1",
    "event_time": BASE_MS,
}


def put(name: str, literal: str) -> bytes:
    """Return the payment with the literal in the place of one value."""
    return b",".join(
        [
            b"%s:%s"
            % (
                msgspec.json.encode(key),
                literal.encode() if key == name else msgspec.json.encode(value),
            )
            for key, value in PAYMENT.items()
        ]
    ).join([b"{", b"}"])


def without(name: str) -> bytes:
    return msgspec.json.encode({key: value for key, value in PAYMENT.items() if key != name})


MALFORMED: dict[str, bytes | None] = {
    "tombstone": None,
    "empty": b"",
    "undecodable": b"\xff\xfe\x00",
    "undecodable_inside": put("merchant_id", '"m1"').replace(b"m1", b"m\xc3("),
    "undecodable_in_a_field_to_ignore": put("event_id", '"e"')[:-1] + b',"x":"\xff"}',
    "utf_16": put("event_id", '"e"').decode().encode("utf-16"),
    "byte_order_mark": b"\xef\xbb\xbf" + put("event_id", '"e"'),
    "not_json": b"<html>502</html>",
    "cut_off": put("event_id", '"e"')[:-1],
    "two_documents": put("event_id", '"e"') * 2,
    "array": b"[1,2]",
    "number": b"7",
    "string": b'"payment"',
    "null": b"null",
    **{f"without_{name}": without(name) for name in PAYMENT},
    **{f"null_{name}": put(name, "null") for name in PAYMENT},
    **{f"array_{name}": put(name, "[]") for name in PAYMENT},
    **{f"object_{name}": put(name, "{}") for name in PAYMENT},
    **{f"true_{name}": put(name, "true") for name in PAYMENT},
    **{f"nan_{name}": put(name, "NaN") for name in PAYMENT},
    **{f"infinity_{name}": put(name, "-Infinity") for name in PAYMENT},
    **{f"huge_{name}": put(name, "9" * 400) for name in PAYMENT},
    **{f"exponent_{name}": put(name, "1e400") for name in PAYMENT},
    **{f"empty_{name}": put(name, '""') for name in PAYMENT},
    **{f"long_{name}": put(name, '"' + "x" * 65 + '"') for name in PAYMENT},
    **{f"quoted_{name}": put(name, '"1"') for name in ("amount_cents", "lat", "lon", "event_time")},
    "half_a_surrogate_pair": put("merchant_id", '"\\ud800"'),
    "decimal_amount": put("amount_cents", "1.0"),
    "negative_amount": put("amount_cents", "-1"),
    "amount_above_the_limit": put("amount_cents", "1000000001"),
    "time_in_seconds": put("event_time", str(BASE_MS // 1_000)),
    "time_in_microseconds": put("event_time", str(BASE_MS * 1_000)),
    "time_in_nanoseconds": put("event_time", str(BASE_MS * 1_000_000)),
    "negative_time": put("event_time", "-1"),
    "time_as_text": put("event_time", '"2025-10-09T09:00:00Z"'),
    "beyond_the_pole": put("lat", "90.001"),
    "country_in_small_letters": put("country", '"lu"'),
    "another_card_than_the_key": put("card_id", '"c2"'),
    "five_megabytes_of_nothing": b" " * 5_000_000,
    "five_megabytes_in_a_field": put("merchant_id", '"' + "x" * 5_000_000 + '"'),
    "five_megabytes_beside_the_fields": put("event_id", '"e"')[:-1]
    + b',"x":"'
    + b"x" * 5_000_000
    + b'"}',
    "3000_arrays": b"[" * 3_000 + b"]" * 3_000,
    "3000_objects": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "3000_arrays_beside_the_fields": put("event_id", '"e"')[:-1]
    + b',"x":'
    + b"[" * 3_000
    + b"]" * 3_000
    + b"}",
    "3000_open_brackets": b"[" * 3_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    value = MALFORMED[name]
    partition = Partition(TRANSACTIONS, Settings())
    output = partition.process([record(value)])
    assert [(letter.reason, letter.feature_set, letter.original) for letter in output.letters] == [
        ("malformed", None, value)
    ]
    assert [lane.ledger.malformed for lane in partition.lanes] == [1]
    assert partition.clock.max_seen_ms is None, "it must not move the watermark"


@pytest.mark.parametrize("key", [None, b"", b"c2", b"\xff", b"C1"])
def test_key_that_is_not_the_card_is_malformed(key: bytes | None) -> None:
    output = Partition(TRANSACTIONS, Settings()).process([record(put("lat", "0"), key=key)])
    assert [letter.reason for letter in output.letters] == ["malformed"]


def test_malformed_click_is_one_letter_and_counted_in_both_sets() -> None:
    partition = Partition(CLICKSTREAM, Settings())
    broken = [
        msgspec.json.encode({**CLICK, "event_type": "purchase"}),
        msgspec.json.encode({**CLICK, "amount_cents": 5}),
        msgspec.json.encode({**CLICK, "event_type": "hover"}),
        msgspec.json.encode(PAYMENT),
    ]
    output = partition.process(
        [record(value, number, CLICKSTREAM, b"u1") for number, value in enumerate(broken)]
    )
    assert [letter.reason for letter in output.letters] == ["malformed"] * 4
    assert [lane.ledger.malformed for lane in partition.lanes] == [4, 4]


def test_event_from_the_future_is_its_own_reason() -> None:
    partition = Partition(TRANSACTIONS, Settings(max_future_seconds=300))
    times = [BASE_MS + 300_001, BASE_MS + 300_000, 253_402_300_799_999]
    output = partition.process(
        [record(put("event_time", str(at)), number) for number, at in enumerate(times)]
    )
    assert [(letter.reason, letter.offset) for letter in output.letters] == [
        ("future_timestamp", 0),
        ("future_timestamp", 2),
    ]
    assert partition.clock.max_seen_ms == BASE_MS + 300_000


@pytest.mark.parametrize(
    "value",
    [
        put("event_time", "100000000000"),  # the earliest time there is
        put("amount_cents", "0"),
        put("amount_cents", "1000000000"),
        put("lat", "-90"),
        put("card_id", '"c\\u0031"'),
        put("event_id", '"' + "x" * 64 + '"'),
        put("event_id", '"e"')[:-1] + b',"more":[{"than":"asked"}]}',
        b"\n " + put("event_id", '"e"') + b"\t\r\n",
    ],
)
def test_odd_and_good(value: bytes) -> None:
    partition = Partition(TRANSACTIONS, Settings())
    assert partition.process([record(value)]).letters == []
    assert [lane.ledger.accepted for lane in partition.lanes] == [1]


# --- a million mutated records ---

FUZZED = 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("topic", [TRANSACTIONS, CLICKSTREAM])
def test_million_mutated_records(topic: str) -> None:
    """No crash, every record in one column, and every window's content accounted for.

    Half of the million go to each topic, some as they are. Expected sums come from the ledger and
    the dead letters alone.
    """
    settings = Settings()
    partition = Partition(topic, settings)
    tally = Tally(settings)
    for batch in mutated(topic, FUZZED // 2, random.Random(f"fuzz/{topic}")):
        tally.add(partition.process(batch))
    tally.add(partition.finish())
    for lane in partition.lanes:
        name, ledger = lane.feature_set.name, lane.ledger
        assert ledger.consumed == FUZZED // 2
        assert min(ledger.accepted, ledger.late, ledger.malformed, ledger.future) > 1_000, ledger
        assert tally.letters[name, "late"] == ledger.late
        assert tally.letters[name, "partial_late"] == ledger.partial_late
        assert tally.letters[None, "malformed"] == ledger.malformed
        assert tally.letters[None, "future_timestamp"] == ledger.future
        windows = settings.size_ms // settings.slide_ms if name != "session" else 1
        inside = sum(tally.final[name].values())
        assert inside == windows * ledger.accepted - tally.missed[name]


class Tally:
    """What a long run has put out, without holding on to it."""

    def __init__(self, settings: Settings) -> None:
        self.letters: Counter[tuple[str | None, str]] = Counter()
        self.missed: Counter[str | None] = Counter()
        self.final: dict[str, dict[tuple[str, int], int]] = {
            "fraud": {},
            "personalization": {},
            "session": {},
        }

    def add(self, output: Output) -> None:
        for letter in output.letters:
            self.letters[letter.feature_set, letter.reason] += 1
            if letter.reason == "partial_late":
                self.missed[letter.feature_set] += len(letter.missed_windows or ())
        for row in output.rows:
            self.final[row.feature_set][row.key, row.window_end] = events_in(row)


def events_in(row: FeatureRow) -> int:
    counted = "tx_count" if row.feature_set == "fraud" else "events"
    return int(getattr(row.features, counted))


def record(
    value: bytes | None, offset: int = 0, topic: str = TRANSACTIONS, key: bytes | None = b"c1"
) -> LogRecord:
    assert topic in EVENT_TYPES
    return LogRecord(topic, 0, offset, BASE_MS, key, value)


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", __file__]))
