"""A join of two real topics, of which one falls silent for a while: what the join holds meanwhile.

Ads and clicks are read from a broker as they come. The engine's join pairs them and holds what may
still get a partner. Broker, producers and reader end with the cell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from flink_jobs.engine.joins import IntervalJoin, Side
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner
from studykit.errors import StudyError
from studykit.services.live.broker import own_broker, reader_of
from studykit.services.live.cell import Opened, ask, run_in_cell
from studykit.services.live.voices import Voice, Voices

UPPER_MS: Final = 2_000
"""A click belongs to an ad if it comes 0 to so many milliseconds later."""
BOUND_MS: Final = 500
SPEAKS_MS: Final = 4_000
STALLS_MS: Final = 8_000
"""Event time for which both topics speak, and for which the clicks are silent."""
_SIDES: Final[dict[str, Side]] = {"ad": "left", "click": "right"}
_EVERY_S: Final = 0.1
_LINE_MS: Final = 1_000
_PATIENCE_S: Final = 60.0

Say = Callable[[str], None]


class StalledJoin:
    """The join, its two topics, and what it held after each row that it read.

    Attributes:
        arrivals: `["ad", time_ms]` or `["click", time_ms]`, as they were read.
        sizes: `[ads, clicks]` held after each of them.
    """

    def __init__(self, servers: str, prefix: str = "", every_s: float = _EVERY_S) -> None:
        """Create the topics; nobody speaks yet.

        Args:
            servers: The broker.
            prefix: What the names of the topics begin with.
            every_s: How often an ad is shown, and how often one is clicked, wall time.
        """
        self._topics = {f"{prefix}{kind}s": kind for kind in _SIDES}
        self._join: IntervalJoin[None, None] = IntervalJoin(0, UPPER_MS)
        self._clocks = {kind: BoundedOutOfOrderness(BOUND_MS) for kind in _SIDES}
        self._common = WatermarkCombiner(_SIDES)
        self.arrivals: list[list[Any]] = []
        self.sizes: list[list[int]] = []
        self._voices = Voices(servers, [Voice(topic, every_s=every_s) for topic in self._topics])
        self._consumer = reader_of(servers, ((topic, 0) for topic in self._topics))

    def play(self, speaks_ms: int, stalls_ms: int, say: Say) -> list[int]:
        """Let both speak, silence the clicks, and let both speak again; say what is held meanwhile.

        The last part ends once the common watermark has passed the whole stall.

        Returns:
            How many rows were held at the end of each of the three parts.

        Raises:
            StudyError: The broker gives no rows.
        """
        self._voices.begin()
        ends = [self._read("both speak", say, lambda: self._common.watermark_ms >= speaks_ms)]
        self._voices.silence(*(topic for topic, kind in self._topics.items() if kind == "click"))
        until_ms = self._newest_ms + stalls_ms
        ends += [self._read("no clicks ", say, lambda: self._newest_ms >= until_ms)]
        self._voices.silence()
        until_ms = self._newest_ms + UPPER_MS
        ends += [self._read("both again", say, lambda: self._common.watermark_ms >= until_ms)]
        return ends

    def close(self) -> None:
        """End the producers and the reader."""
        self._voices.close()
        self._consumer.close()

    @property
    def _newest_ms(self) -> int:
        return self._clocks["ad"].max_seen_ms or 0

    def _read(self, part: str, say: Say, over: Callable[[], bool]) -> int:
        """Read until `over`; return how many rows are held then."""
        deadline = time.monotonic() + _PATIENCE_S
        line_ms = self._newest_ms
        while not over():
            if time.monotonic() > deadline:
                raise StudyError(
                    f"the broker has not given enough rows in {_PATIENCE_S:.0f} s: run it again"
                )
            self._take()
            if self._newest_ms >= line_ms:
                line_ms = self._newest_ms + _LINE_MS
                say(self._line(part))
        say(self._line(part))
        return sum(self.sizes[-1])

    def _take(self) -> None:
        for message in self._consumer.consume(1_000, 0.1):
            value = message.value()
            if message.error() is not None or value is None:
                continue
            kind, time_ms = self._topics[message.topic() or ""], int(value)
            self._join.on_row(_SIDES[kind], "key", time_ms, None)
            self._clocks[kind].observe(time_ms)
            self._join.on_watermark(self._common.advance(kind, self._clocks[kind].watermark_ms))
            self.arrivals.append([kind, time_ms])
            self.sizes.append([self._join.held("left"), self._join.held("right")])
        self._join.take()  # the pairs are nobody's subject here, and would be held for ever

    def _line(self, part: str) -> str:
        ads, clicks = self.sizes[-1] if self.sizes else (0, 0)
        seconds = self._newest_ms / 1_000
        return f"{seconds:5.1f} s  {part}  ads {ads:>4}  clicks {clicks:>3}  {'#' * (ads // 4)}"


def show(
    state_sizes: Callable[..., Any],
    opened: Opened = own_broker,
    prefix: str = "",
    parts_ms: tuple[int, int] = (SPEAKS_MS, STALLS_MS),
    every_s: float = _EVERY_S,
) -> None:
    """Stall one of two topics, print what the join holds, and compare the learner's sizes.

    Args:
        state_sizes: What the learner wrote. It is given the arrivals as the join has read them.
        opened: What gives the address of a broker, and ends it.
        prefix: What the names of the topics begin with; they must not exist.
        parts_ms: How long both topics speak, and how long the clicks are silent, event time.
        every_s: How often an ad is shown, and how often one is clicked, wall time.
    """

    def work(servers: str) -> None:
        with closing(StalledJoin(servers, prefix, every_s)) as join:
            before, stalled, after = join.play(*parts_ms, print)
        print(f"held before the stall {before} rows, at its end {stalled}, afterwards {after}")
        mine = ask(state_sizes, [list(row) for row in join.arrivals], UPPER_MS, BOUND_MS)
        print(_compared(mine, join))

    words = "A Kafka starts, both topics speak, and the clicks fall silent: half a minute in all."
    run_in_cell(work, words, opened)


def _compared(mine: object, join: StalledJoin) -> str:
    """Say whether the learner's sizes are those of the join, or where they first differ.

    Raises:
        StudyError: They are no list.
    """
    if not isinstance(mine, list):
        raise StudyError(f"your function returns {mine!r}: a list of [ads, clicks] is asked for")
    for number, (row, real) in enumerate(zip(join.arrivals, join.sizes, strict=True), start=1):
        said = mine[number - 1] if number <= len(mine) else "nothing"
        if said != real:
            return (
                f"after row {number}, the {row[0]} at {row[1]}, the join holds {real}, and your "
                f"function says {said}"
            )
    if len(mine) > len(join.sizes):
        return f"your function gives {len(mine)} sizes for {len(join.sizes)} rows"
    return f"your function says the same after each of {len(join.sizes)} rows"
