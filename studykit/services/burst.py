"""A late burst on a real broker, read by the development processor: lab 14 tries settings on it.

All payments are in one partition, and each has an event time one millisecond before the end of
its own window of a minute. Before it a clock, the payment of another card, brings the watermark to
where the delay wants it. So a payment is dead exactly if its delay exceeds bound and lateness, on a
slow machine as on a fast one: only the log decides.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, TopicPartition

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import KafkaUnusable
from flink_jobs.connectors.topic_log import commits_of
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import TRANSACTIONS, Transaction
from flink_jobs.processor.group.commits import delivered_until
from flink_jobs.simulator.golden import START_MS
from studykit.errors import StudyError
from studykit.services.live.cell import ask
from studykit.services.rig import Rig, own_folder
from studykit.services.topics import create_topics

CHOICES_MS: Final = [0, 1_000, 2_000, 4_000, 8_000, 12_000]
"""The bounds and latenesses to choose from; the processor takes whole seconds."""
DEAD_BELOW_PERCENT: Final = 1
P95_BELOW_MS: Final = 8_000

_MINUTE_MS: Final = 60_000

Answer = Callable[[list[int], list[int], int, int], Any]


def burst_delays(seed: int = 14) -> list[int]:
    """Return how late 300 payments come, in ms: an ordinary day, and twelve in a burst."""
    rng = Random(seed)
    delays = [rng.choice([0, 1_000, 2_000]) for _ in range(288)] + [12_000] * 12
    rng.shuffle(delays)
    return delays


def burst_payments(delays_ms: Iterable[int]) -> list[Transaction]:
    """Return the log: for each delay a clock, then the payment that comes so late."""
    payments = []
    for place, delay_ms in enumerate(delays_ms):
        at_ms = START_MS - START_MS % _MINUTE_MS + (place + 1) * _MINUTE_MS - 1
        for card, time_ms in (("clock", at_ms + delay_ms), ("burst", at_ms)):
            name = f"{card}-{place}"
            payments.append(Transaction(name, card, "m", 100, "DE", 52.5, 13.4, time_ms))
    return payments


def environment(bound_ms: int, lateness_ms: int) -> dict[str, str]:
    """Return the settings of the processor: windows of a minute that do not overlap."""
    return {
        "WINDOW_SIZE_MINUTES": "1",
        "WINDOW_SLIDE_SECONDS": "60",
        "MAX_OUT_OF_ORDERNESS_SECONDS": str(bound_ms // 1_000),
        "ALLOWED_LATENESS_SECONDS": str(lateness_ms // 1_000),
    }


def verdict(delays_ms: list[int], dead: set[int], bound_ms: int, lateness_ms: int) -> str:
    """Say which share is dead, after how long the rest shows, and whether both are reached.

    Args:
        delays_ms: The delay of each payment.
        dead: The places of the payments that have a dead letter.
        bound_ms: What everybody waits.
        lateness_ms: How long a window is kept after it has fired.

    >>> print(verdict([0, 5_000], {1}, 1_000, 0))
    bound 1000, lateness 0: 1 of 2 dead (50.0 %), p95 of the others 1000 ms
    not reached: dead below 1 %, p95 below 8000 ms
    """
    shown = sorted(max(d, bound_ms) for place, d in enumerate(delays_ms) if place not in dead)
    share = 100 * len(dead) / len(delays_ms)
    p95_ms = shown[-(-len(shown) * 95 // 100) - 1] if shown else None
    reached = share < DEAD_BELOW_PERCENT and p95_ms is not None and p95_ms < P95_BELOW_MS
    return (
        f"bound {bound_ms}, lateness {lateness_ms}: {len(dead)} of {len(delays_ms)} dead "
        f"({share:.1f} %), p95 of the others {'-' if p95_ms is None else p95_ms} ms\n"
        f"{'reached' if reached else 'not reached'}: "
        f"dead below {DEAD_BELOW_PERCENT} %, p95 below {P95_BELOW_MS} ms"
    )


class BurstRig(Rig):
    """A Kafka with a late burst, a Redis and the development processor, removed at the end."""

    def __init__(self, name: str = "lab14", home: Path | None = None) -> None:
        """Work in a folder that is removed at the end; nothing starts before `show`."""
        super().__init__(home or own_folder(name))

    def show(self, settings_for: Answer) -> None:
        """Run the processor with the settings that the function returns, print both numbers, stop.

        Args:
            settings_for: What the learner wrote for L14.5.
        """
        delays_ms = burst_delays()
        asked = (delays_ms, CHOICES_MS, DEAD_BELOW_PERCENT, P95_BELOW_MS)
        with self.shown():
            pair = pair_of(ask(settings_for, *asked))
            print("starting a Kafka and a Redis, then the processor: about half a minute")
            self.start()
            print(verdict(delays_ms, self.dead(delays_ms, *pair), *pair))

    def dead(self, delays_ms: list[int], bound_ms: int, lateness_ms: int) -> set[int]:
        """Send the burst, run the processor to its end, and return who came too late.

        Raises:
            StudyError: Kafka does not run, or the processor does not read the log to its end.
        """
        self.require_services()
        create_topics(self.kafka.address)
        # An event whose key is another card's is malformed.
        pairs = (
            (payment.card_id.encode(), msgspec.json.encode(payment))
            for payment in burst_payments(delays_ms)
        )
        self._send(TRANSACTIONS, pairs, partition=0)
        print(f"{2 * len(delays_ms)} payments are in the log; the processor reads them")
        given = [f"{name}={value}" for name, value in environment(bound_ms, lateness_ms).items()]
        module = "flink_jobs.stream_processor"
        self._run_to_end(["env", *given, sys.executable, "-m", module, "--until-caught-up"])
        self._require_whole_log()
        return {
            int(msgspec.json.decode(letter.value, type=Transaction).event_id.split("-")[1])
            for letters in self._read(DEAD_LETTER_TOPIC).values()
            for letter in letters
            if dict(letter.headers)["reason"] == b"late"
        }

    def _require_whole_log(self) -> None:
        """Refuse a count of a log that was not read: who is not read has no dead letter, either.

        Raises:
            StudyError: The processor has ended before the end of the log.
        """
        place = TopicPartition(TRANSACTIONS, 0)
        with closing(KafkaConsumer(bootstrap_servers=self.kafka.address)) as consumer:
            end = consumer.end_offsets([place])[place]
        try:
            commit = commits_of(Settings(kafka_servers=self.kafka.address), TRANSACTIONS).get(0)
        except KafkaUnusable:  # a broker that no group has asked yet knows of none
            commit = None
        if commit is None or delivered_until(commit) < end:
            raise StudyError(f"the processor has not read the log to its end: {self._last_words()}")


def pair_of(answer: object) -> tuple[int, int]:
    """Return the bound and the lateness that an answer names, both among `CHOICES_MS`.

    Raises:
        StudyError: The answer is no list of two of the choices.
    """
    if isinstance(answer, (list, tuple)) and len(answer) == 2:
        bound_ms, lateness_ms = answer
        if bound_ms in CHOICES_MS and lateness_ms in CHOICES_MS:
            return int(bound_ms), int(lateness_ms)
    raise StudyError(
        f"your settings_for returns {answer!r}; two of {CHOICES_MS} can be tried: run its check"
    )
