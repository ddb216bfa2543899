"""Explanations of values: exactly the events that the rules count, for any value of a rough log."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import islice

import msgspec
import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, EventDecoder, Malformed
from flink_jobs.features.catalog import CATALOG, FRAUD, SESSION, FeatureSet
from flink_jobs.inspection.explanation import Explanation, InquiryError
from flink_jobs.inspection.inquiry import Inquiry, split_key
from flink_jobs.processor.partition import Output
from flink_jobs.processor.replay import replay
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import VisitHabits
from studykit.services.seed import append
from tests.support.oracles import event_time as oracle

START_MS = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
MINUTE = 60_000
VALUES = 10_000
RULES = Settings(allowed_lateness_seconds=90)
ROUGH = Disorder(offline_share=0.03, duplicate_share=0.02, malformed_share=0.02, future_share=0.01)


@pytest.fixture(scope="module")
def log() -> list[LogRecord]:
    """Few keys for long, so that each has hundreds of windows."""
    stream = traffic(
        seed=11,
        start_ms=START_MS,
        rate=0.5,
        card_habits=CardHabits(cards=12),
        visit_habits=VisitHabits(users=12),
        disorder=ROUGH,
    )
    return list(append(islice(stream, 16_000)))


@pytest.fixture(scope="module")
def output(log: list[LogRecord]) -> Output:
    return replay(log, RULES)[0]


@pytest.fixture(scope="module")
def counted(log: list[LogRecord]) -> dict[tuple[str, str, int, int], list[int]]:
    """Which offsets each edition of each window counts, by the second opinion on the rules."""
    found = {}
    for topic in (TRANSACTIONS, CLICKSTREAM):
        decode = EventDecoder(topic).decode
        items: dict[int, list[oracle.Item]] = defaultdict(list)
        for record in log:
            if record.topic == topic:
                try:
                    event = decode(record.key, record.value)
                except Malformed:
                    continue
                if event.event_time <= record.timestamp + RULES.max_future_ms:
                    item = oracle.Item(record.offset, event.key, event.event_time)
                    items[record.partition].append(item)
        for of_partition in items.values():
            for name, emission in _emissions(topic, of_partition):
                window = name, emission.key, emission.end, emission.revision
                found[window] = sorted(item.offset for item in emission.items)
    return found


def _emissions(topic: str, items: list[oracle.Item]):
    windows = oracle.play_windows(
        items, size=RULES.size_ms, slide=RULES.slide_ms, bound=RULES.bound_ms,
        lateness=RULES.lateness_ms,
    )  # fmt: skip
    name = "fraud" if topic == TRANSACTIONS else "personalization"
    yield from ((name, emission) for emission in windows.emissions)
    if topic == CLICKSTREAM:
        sessions = oracle.play_sessions(items, gap=30 * MINUTE, bound=RULES.bound_ms, strict=True)
        yield from (("session", emission) for emission in sessions.emissions)


def inquire(log: list[LogRecord], feature_set: FeatureSet, key: str) -> Inquiry:
    inquiry = Inquiry(feature_set, RULES, key, whole=True)
    inquiry.read(log)
    inquiry.finish()
    return inquiry


def test_ten_thousand_values_are_explained_exactly(log, output, counted):
    rows = random.Random(3).sample(output.rows, VALUES)
    sets = {feature_set.name: feature_set for feature_set in CATALOG}
    inquiries = {
        (name, key): inquire(log, sets[name], key)
        for name, key in {(row.feature_set, row.key) for row in rows}
    }
    letters = {
        (letter.feature_set, letter.topic, letter.partition, letter.offset): letter
        for letter in output.letters
    }
    revised = 0
    reasons: Counter[str] = Counter()
    for row in rows:
        found = inquiries[row.feature_set, row.key].answer(row.window_end, row.revision)
        assert found.features == msgspec.to_builtins(row.features)
        offsets = [record.offset for record in found.counted]
        assert offsets == counted[row.feature_set, row.key, row.window_end, row.revision]
        assert_missing_has_letters(found, letters)
        revised += row.revision > 0
        reasons.update(missing.why for missing in found.missing)
    assert revised > 50
    assert reasons.keys() >= {"late", "partial_late", "malformed", "outside", "after"}


def assert_missing_has_letters(found: Explanation, letters) -> None:
    for missing in found.missing:
        name = found.feature_set if "late" in missing.why else None
        place = name, found.topic, missing.record.partition, missing.record.offset
        if missing.why in ("late", "partial_late", "malformed", "future_timestamp"):
            assert letters[place].reason == missing.record.verdict
        elif missing.why == "outside":
            event_ms = missing.record.event_time
            assert not found.window_start <= event_ms < found.window_end


@pytest.mark.parametrize("feature_set", CATALOG, ids=lambda feature_set: feature_set.name)
def test_what_is_forgotten_on_the_way_changes_no_answer(log, output, feature_set):
    rows = [row for row in output.rows if row.feature_set == feature_set.name]
    for row in random.Random(5).sample(rows, 3):
        whole = inquire(log, feature_set, row.key)
        for window_end in (None, row.window_end):
            inquiry = Inquiry(feature_set, RULES, row.key, window_end)
            inquiry.read(log)
            inquiry.finish()
            assert inquiry.answer() == whole.answer(window_end)


def test_of_a_long_log_only_the_window_and_what_is_next_to_it_is_kept():
    inquiry = Inquiry(FRAUD, Settings(), "card_1")
    kept = 0
    for minute in range(2_000):
        inquiry.read([payment(minute, minute * MINUTE, "card_1")])
        kept = max(kept, len(inquiry.trails[0].records), len(inquiry.trails[0].rows))
    assert kept < 15


def payment(
    offset: int, time_ms: int, card: str, partition: int = 0, appended_ms: int | None = None
) -> LogRecord:
    """Return a payment at `time_ms` after the beginning."""
    event = {
        "event_id": f"e{offset}", "card_id": card, "merchant_id": "m", "amount_cents": 100,
        "country": "LU", "lat": 49.6, "lon": 6.1, "event_time": START_MS + time_ms,
    }  # fmt: skip
    appended = START_MS + (time_ms if appended_ms is None else appended_ms)
    value = msgspec.json.encode(event)
    return LogRecord(TRANSACTIONS, partition, offset, appended, card.encode(), value)


def asked(records: list[LogRecord], window_end: int | None = None) -> Explanation:
    inquiry = Inquiry(FRAUD, Settings(), "card_1", window_end)
    inquiry.read(records)
    return inquiry.answer()


def test_a_window_that_has_not_fired_says_what_it_waits_for():
    found = asked([payment(0, 0, "card_1"), payment(1, 89_999, "card_2")])
    assert (found.state, found.revision, found.features) == ("open", None, None)
    assert (found.window_end, found.fires_at_event_time) == (
        START_MS + MINUTE,
        START_MS + 90_000,
    )
    assert [record.offset for record in found.counted] == [0]
    assert (found.next_window_end, found.next_count) == (START_MS + 2 * MINUTE, 1)
    fired = asked([payment(0, 0, "card_1"), payment(1, 89_999, "x"), payment(2, 90_000, "x")])
    assert (fired.state, fired.revision, fired.fired_at_offset) == ("closed", 0, 2)


def test_each_reason_for_a_record_that_is_not_counted():
    malformed = payment(4, 0, "card_1")
    foreign = payment(5, 0, "card_1")
    records = [
        payment(0, 299_999, "card_1"),
        payment(1, 300_000, "card_1"),  # the end belongs to the next window
        payment(2, 299_998, "card_1", appended_ms=-2),  # 300 s ahead: allowed
        payment(3, 299_998, "card_1", appended_ms=-3),  # one millisecond more
        msgspec.structs.replace(malformed, value=malformed.value[:-1], timestamp=START_MS),
        msgspec.structs.replace(foreign, key=b"card_2"),
        payment(6, 130_000 + 300_000, "card_2"),
        payment(7, 270_000, "card_1"),  # its first two windows have closed, among them this one
        payment(8, 90_000, "card_1"),
        payment(0, 10, "card_1", partition=1),
    ]
    found = asked(records, START_MS + 300_000)
    assert [record.offset for record in found.counted] == [0, 2]
    assert found.partition == 0
    assert [(missing.record.offset, missing.why) for missing in found.missing] == [
        (1, "outside"),
        (3, "future_timestamp"),
        (4, "malformed"),
        (5, "malformed"),
        (7, "partial_late"),
        (8, "late"),
        (0, "other_partition"),
    ]
    assert "key" in found.missing[3].record.detail


def test_a_truncated_log_tells_what_it_cannot_know():
    """What is gone was appended by the first time left, and is at most MAX_FUTURE_SECONDS ahead."""
    records = [payment(7, 0, "card_2"), payment(8, 301_000, "card_1"), payment(9, 900_000, "x")]
    assert asked(records, START_MS + 600_000).unknown == [
        "transactions/0 begins at offset 7: what came before it is deleted, may have been in this "
        "window, and may have moved the watermark further"
    ]
    later = [*records[:1], payment(8, 360_001, "card_1"), records[2]]
    assert asked(later, START_MS + 660_000).unknown == []
    assert asked([payment(0, 0, "card_2"), *records[1:]], START_MS + 600_000).unknown == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("features:frod:x", "there is no feature set 'frod': choose fraud, personalization"),
        ("fraud:", "a key is missing: write features:fraud:KEY"),
        ("features:", "there is no feature set ''"),
    ],
)
def test_a_key_that_is_none_is_told(text: str, sentence: str):
    with pytest.raises(InquiryError, match=sentence):
        split_key(text)


def test_questions_without_an_answer_say_why():
    with pytest.raises(InquiryError, match="transactions has no record of 'card_1'"):
        asked([payment(0, 0, "card_2")])
    with pytest.raises(InquiryError, match="no window ends at 77: ask for 0 or 60000"):
        asked([payment(0, 0, "card_1")], 77)
    late = [payment(0, 900_000, "card_2"), payment(1, 0, "card_1")]
    with pytest.raises(InquiryError, match="no event of 'card_1' was accepted"):
        asked(late)
    session = Inquiry(SESSION, Settings(), "user_1")
    with pytest.raises(InquiryError, match="clickstream has no record of 'user_1'"):
        session.answer()
