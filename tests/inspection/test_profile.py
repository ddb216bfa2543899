"""Profiles of streams: the numbers are those of the engine's own watermark."""

from __future__ import annotations

import random
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.inspection.profile import (
    ProfileError,
    Profiler,
    epoch_ms,
    profile_file,
    profile_records,
    rounded_up,
)
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.cli.inspection.profile import profile
from studykit.errors import StudyError
from studykit.workspace import Workspace

START_MS = 1_700_000_000_000


def record(
    offset: int,
    event_ms: int,
    *,
    partition: int = 0,
    appended_ms: int | None = None,
    key: str = "k",
) -> LogRecord:
    appended = START_MS + (event_ms if appended_ms is None else appended_ms)
    value = msgspec.json.encode({"at": {"ms": START_MS + event_ms}, "who": key})
    return LogRecord("things", partition, offset, appended, None, value)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9_999_999)), min_size=1), st.data())
def test_late_events_are_those_behind_the_engine_s_watermark(events, data) -> None:
    profiler = Profiler("at.ms", "who")
    for offset, (partition, event_ms) in enumerate(events):
        profiler.look(record(offset, event_ms, partition=partition, appended_ms=10**7))
    found = profiler.profile()
    bound_ms = rounded_up(data.draw(st.integers(0, 10**7)))
    clocks = {number: BoundedOutOfOrderness(bound_ms) for number in range(4)}
    late = 0
    for partition, event_ms in events:
        late += event_ms <= clocks[partition].watermark_ms
        clocks[partition].observe(event_ms)
    assert profiler.late(bound_ms) == late
    for cost in found.bounds:
        assert cost.late == profiler.late(cost.bound_ms)
    assert found.bounds[-1].late == 0


def test_the_suggested_bound_is_the_smallest_that_keeps_the_share() -> None:
    lags = [*[0] * 990, *range(1, 11)]
    stream = [record(0, 10**6)] + [record(n, 10**6 - lag) for n, lag in enumerate(lags, 1)]
    found = profile_records([stream], "at.ms", None, 0.995)
    assert (found.suggested_bound.bound_ms, found.suggested_bound.late) == (5, 5)


def test_an_event_in_the_future_does_not_make_the_others_late() -> None:
    stream = [record(0, 0), record(1, 300_001, appended_ms=0), record(2, 10)]
    found = profile_records([stream], "at.ms", "who")
    assert found.unreadable == {"a time too far in the future": 1}
    assert found.bounds[-1].bound_ms == 0
    at_limit = profile_records([[record(0, 300_000, appended_ms=0)]], "at.ms", "who")
    assert (at_limit.events, at_limit.ahead) == (1, 1)


def test_skew_and_silence() -> None:
    def stream() -> Iterator[LogRecord]:
        for second in range(600):
            yield record(second, second * 1_000, key="hot" if second % 2 else f"k{second}")
            if second % 30 == 0 and second <= 300:
                yield record(second // 30, second * 1_000, partition=1, key="slow")

    found = profile_records([stream()], "at.ms", "who")
    assert found.hottest[0] == ("hot", 300)
    assert found.keys == 302
    quick, slow = found.partitions
    assert (quick.longest_silence_ms, quick.silent_at_end_ms) == (1_000, 0)
    assert (slow.longest_silence_ms, slow.silent_at_end_ms) == (30_000, 299_000)
    spells = {cost.timeout_ms: cost.spells for cost in found.timeouts}
    assert (spells[1_000], spells[30_000], spells[60_000]) == (609, 10, 0)
    assert found.suggested_timeout_ms == 60_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (99_999_999_999, (99_999_999_999_000, "seconds")),
        (100_000_000_000, (100_000_000_000, "milliseconds")),
        (1_700_000_000_000_001, (1_700_000_000_000, "microseconds")),
        (1_700_000_000.5, (1_700_000_000_500, "seconds")),
        ("1700000000000", (1_700_000_000_000, "milliseconds")),
        ("2023-11-14T23:13:20+01:00", (1_700_000_000_000, "ISO 8601")),
        (True, None),
        (-1, None),
        (float("inf"), None),
        ([], None),
    ],
)
def test_a_time_s_unit_is_told_by_its_size(value: object, expected: object) -> None:
    assert epoch_ms(value) == expected


def test_a_file_of_plain_events_and_a_log_file(tmp_path: Path) -> None:
    lines = [b'{"t": "2023-11-14T22:13:20Z", "id": "a"}', b"", b"[1]", b'{"t": "soon"}', b"\xff"]
    (tmp_path / "plain.jsonl").write_bytes(b"\n".join(lines))
    found = profile_file(tmp_path / "plain.jsonl", "t", "id")
    assert (found.records, found.events, found.delays_ms) == (5, 1, None)
    assert found.unreadable == {"no JSON": 2, "no JSON object": 1, "a time that is none": 1}
    write_log(tmp_path / "log.jsonl", [record(0, 0), record(1, 5, appended_ms=25)])
    assert profile_file(tmp_path / "log.jsonl", "at.ms", None).delays_ms == {
        "median": 0, "99 %": 20, "largest": 20,
    }  # fmt: skip


def test_memory_does_not_grow_with_the_stream() -> None:
    draw = random.Random(1)
    profiler = Profiler("at.ms", "who")
    for offset in range(20_000):
        profiler.look(record(offset, draw.randrange(10**9), appended_ms=10**9))
    assert len(profiler.profile().lags) < 7_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b'{"b": 1, "c": 2}', "no record has a time in the field 't': the first has the fields b"),
        (b"hello", "none of 1 records is a JSON object"),
    ],
)
def test_what_cannot_be_profiled_is_told(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "file.jsonl").write_bytes(content)
    with pytest.raises(ProfileError, match=sentence):
        profile_file(tmp_path / "file.jsonl", "t", None)


def test_the_command_shows_text_and_picture(tmp_path: Path) -> None:
    write_log(
        tmp_path / "log.jsonl",
        [record(n, 1_000 * n - 5_000 * (n % 10 == 9), partition=n % 2) for n in range(200)],
    )
    console = Console(file=StringIO(), width=80)

    def show(source: str, picture: Path) -> None:
        profile(
            source, "at.ms", "who", workspace=Workspace(tmp_path), picture=picture,
            as_json=False, console=console,
        )  # fmt: skip

    show(str(tmp_path / "log.jsonl"), tmp_path / "p.png")
    text = console.file.getvalue()
    assert "Suggested bound: 3 s; 0 events" in text
    assert "Suggested idle timeout: 5 s" in text
    with Image.open(tmp_path / "p.png") as image:
        assert image.width == 880
    with pytest.raises(StudyError, match=r"there is no file nothing\.jsonl"):
        show("nothing.jsonl", tmp_path / "p.png")
    with pytest.raises(StudyError, match="choose another --picture"):
        show(str(tmp_path / "log.jsonl"), tmp_path / "none" / "p.png")
