"""A job on a real topic that prints nothing, because nobody writes to one of its partitions.

The job is made of the engine's parts: a watermark for each partition, their minimum, and windows
that count. Its broker, its producers and its reader end with the cell.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import pairwise
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException, Message, TopicPartition

from flink_jobs.engine.windows import SlidingWindows, is_closed
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner
from studykit.errors import StudyError
from studykit.services import topics
from studykit.services.live.broker import own_broker, reader_of
from studykit.services.live.cell import Opened, ask, run_in_cell
from studykit.services.live.voices import Voice, Voices
from studykit.services.supervision.waiting import wait_until

TOPIC: Final = "readings"
SETTINGS: Final = {"bound_ms": 500, "idle_ms": 0, "fetch_rows": 100, "flush_ms": 200}
"""As the job was found; an idle timeout of 0 disables idleness."""
SPEAKING: Final = (Voice(TOPIC, 0), Voice(TOPIC, 1), Voice(TOPIC, 2, bundle=7))
"""Three of four partitions. The last of these sends what it has every 1.4 s."""
WINDOWS: Final = SlidingWindows.tumbling(1_000)
ENOUGH: Final = 14
"""The windows after which a run is over: some that both runs could print, and some new ones."""
WATCH_S: Final = 6.0
AGAIN_S: Final = 20.0
"""Seconds of wall time that the job is watched, as it was found and once it is repaired."""
_PATIENCE_S: Final = 30.0

Say = Callable[[str], None]


class Outcome(NamedTuple):
    """What a run of the job gave, and the status of its partitions at the end."""

    windows: int
    late: int
    """Readings whose window had fired when they came."""
    status: list[dict[str, Any]]
    """By partition: `name`, `records` (held by the topic), `lag` (of these not read) and `pause_ms`
    (longest silence between two records, 0 where there are not two)."""


class SilentJob:
    """One run of the job over the topic, from its beginning, by the settings it was given."""

    def __init__(self, servers: str, settings: Mapping[str, int], topic: str = TOPIC) -> None:
        """Read nothing yet."""
        self._topic, self._settings = topic, settings
        self._names = [f"p{number}" for number in range(topics.PARTITIONS)]
        self._clocks = {name: BoundedOutOfOrderness(settings["bound_ms"]) for name in self._names}
        self._common = WatermarkCombiner(self._names)
        self._open: Counter[int] = Counter()
        self._arrivals: dict[str, list[int]] = {name: [] for name in self._names}
        self._late = self._windows = 0
        self._consumer = reader_of(servers, ((topic, n) for n in range(topics.PARTITIONS)))

    def run(self, seconds: float, enough: int, say: Say) -> Outcome:
        """Run until `enough` windows have come out, or for so many seconds; say each window.

        Raises:
            StudyError: The broker gives no reading.
        """
        self._wait_for_readings()
        began = flushed = time.monotonic()
        # A partition that has never spoken is silent since the job began, as in Flink.
        heard = dict.fromkeys(self._names, began)
        waiting: list[str] = []
        while self._windows < enough and time.monotonic() - began < seconds:
            for message in self._consumer.consume(self._settings["fetch_rows"], 0.1):
                if message.error() is None:
                    heard[self._count(message)] = time.monotonic()
            now = time.monotonic()
            self._mark_idle(heard, now)
            waiting += self._fired()
            if now - flushed >= self._settings["flush_ms"] / 1_000:
                for line in waiting:
                    say(f"{now - began:5.1f} s  {line}")
                self._windows += len(waiting)
                waiting, flushed = [], now
        return Outcome(self._windows, self._late, self._status())

    def close(self) -> None:
        """End the reader."""
        self._consumer.close()

    def _wait_for_readings(self) -> None:
        """Wait until the topic holds a reading, so that a slow start is not taken for silence."""
        places = [TopicPartition(self._topic, number) for number in range(topics.PARTITIONS)]
        if not wait_until(lambda: any(map(self._ends_at, places)), _PATIENCE_S):
            raise StudyError(f"nobody has written to {self._topic} in {_PATIENCE_S:.0f} s")

    def _ends_at(self, place: TopicPartition) -> int:
        """Return the offset after the last record of a partition."""

        def offsets() -> tuple[int, int] | None:
            try:
                found: tuple[int, int] | None = self._consumer.get_watermark_offsets(place, 1.0)
            except KafkaException:  # a topic that was just created has no leader yet
                return None
            return found

        found = wait_until(offsets, _PATIENCE_S)
        if found is None:
            raise StudyError(
                f"the broker does not say in {_PATIENCE_S:.0f} s what {self._topic} holds"
            )
        return found[1]

    def _count(self, message: Message) -> str:
        """Count a reading into its window; return the name of its partition."""
        name = self._names[message.partition() or 0]
        event_ms = int(message.value() or b"")
        self._arrivals[name].append(message.timestamp()[1])
        start_ms = WINDOWS.pane_start(event_ms)
        if is_closed(start_ms + WINDOWS.size_ms, self._common.watermark_ms):
            self._late += 1
        else:
            self._open[start_ms] += 1
        self._clocks[name].observe(event_ms)
        self._common.advance(name, self._clocks[name].watermark_ms)
        return name

    def _mark_idle(self, heard: Mapping[str, float], now: float) -> None:
        idle_s = self._settings["idle_ms"] / 1_000
        for name, heard_s in heard.items():
            if idle_s and now - heard_s >= idle_s:
                self._common.mark_idle(name)

    def _fired(self) -> list[str]:
        """Return a line for each window that the common watermark has completed."""
        ends = {start_ms: start_ms + WINDOWS.size_ms for start_ms in sorted(self._open)}
        return [
            f"window [{start_ms:>6}, {end_ms:>6}): {self._open.pop(start_ms)} readings"
            for start_ms, end_ms in ends.items()
            if is_closed(end_ms, self._common.watermark_ms)
        ]

    def _status(self) -> list[dict[str, Any]]:
        rows = []
        for number, name in enumerate(self._names):
            place = TopicPartition(self._topic, number)
            records, told = self._ends_at(place), self._arrivals[name]
            pauses = [after - before for before, after in pairwise(told)]
            rows.append(
                {
                    "name": name, "records": records, "lag": records - len(told),
                    "pause_ms": max(pauses, default=0),
                }
            )  # fmt: skip
        return rows


def show(
    repaired_settings: Callable[..., Any],
    opened: Opened = own_broker,
    topic: str = TOPIC,
    seconds: tuple[float, float] = (WATCH_S, AGAIN_S),
    enough: int = ENOUGH,
) -> None:
    """Run the job as it was found, then with the learner's settings; print both, and stop all.

    Args:
        repaired_settings: What the learner wrote. It is given the status and the settings.
        opened: What gives the address of a broker, and ends it.
        topic: The name of the topic, which must not exist.
        seconds: How long the job is watched, wall time: as it was found, and once it is repaired.
        enough: After how many windows a run ends before its time.
    """

    def work(servers: str) -> None:
        voices = Voices(servers, [voice._replace(topic=topic) for voice in SPEAKING])
        with closing(voices):
            voices.begin()
            print(f"The job as it was found, for {seconds[0]:g} s: {SETTINGS}")
            found = _run(SilentJob(servers, SETTINGS, topic), seconds[0], enough)
            print("name  records    lag  pause_ms")
            for row in found.status:
                print("{name:<6}{records:>7}{lag:>7}{pause_ms:>10}".format(**row))
            mine = require_repair(ask(repaired_settings, found.status, dict(SETTINGS)))
            print(f"The job by your settings, for {seconds[1]:g} s at most: {mine}")
            _run(SilentJob(servers, mine, topic), seconds[1], enough)

    words = "A Kafka starts, and the job runs twice: half a minute in all."
    run_in_cell(work, words, opened)


def _run(job: SilentJob, seconds: float, enough: int) -> Outcome:
    with closing(job):
        outcome = job.run(seconds, enough, print)
    late = f"; {outcome.late} readings came too late for theirs" if outcome.late else ""
    print(f"{outcome.windows or 'no'} windows{late}")
    return outcome


def require_repair(mine: object) -> dict[str, int]:
    """Return the learner's settings.

    Raises:
        StudyError: They are not the settings of the job with one of them changed.
    """
    if not isinstance(mine, dict) or mine.keys() != SETTINGS.keys():
        raise StudyError(f"your settings are {mine!r}, and must have the names of {SETTINGS}")
    wrong = [name for name, value in mine.items() if type(value) is not int or value < 0]
    if wrong or not mine["fetch_rows"]:
        name = (wrong or ["fetch_rows"])[0]
        raise StudyError(f"your {name} is {mine[name]!r}, and must be a whole number from 0 on")
    changed = [name for name in SETTINGS if mine[name] != SETTINGS[name]]
    if len(changed) != 1:
        raise StudyError(f"you change {', '.join(changed) or 'no setting'}: repair one")
    return mine
