"""The whole pipeline for one person: a broker, a store, the processor, and a card to pay with."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from threading import Event, Thread
from typing import Any, Final, NamedTuple

import redis
from confluent_kafka import Message, Producer

from flink_jobs.connectors.redis import read_features
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import TRANSACTIONS
from studykit.errors import StudyError
from studykit.services import topics
from studykit.services.live.broker import reader_of
from studykit.services.network.ports import HOST
from studykit.services.rig import Rig
from studykit.services.supervision.leash import VARIABLE, leashed_folder

MINE: Final = "my-card"
SETTINGS: Final = {
    "WINDOW_SIZE_MINUTES": "1",
    "WINDOW_SLIDE_SECONDS": "5",
    "MAX_OUT_OF_ORDERNESS_SECONDS": "5",
}
"""Windows of a minute that end every 5 s: a feature is there ten seconds after its payment."""
EVERY_S: Final = 0.2
"""How often somebody else pays, in seconds; without events no window would ever end."""
_OTHERS: Final = 20
_COMMIT_MS: Final = 1_000
_PATIENCE_S: Final = 10.0
_INHERITED: Final = ("HOME", "PATH", VARIABLE)
"""What the processor may know of a person's environment: no login to another broker or store."""


class PaymentTimes(NamedTuple):
    """A payment by both clocks, epoch milliseconds: the event's own, and the broker's."""

    event_ms: int
    stored_ms: int


class Refusal(NamedTuple):
    """A dead letter about a payment: which one, why, and how many windows it has missed."""

    number: int
    reason: str
    missed: int


class PaymentRig(Rig):
    """A Kafka, a Redis and the development processor, which writes the features of cards."""

    def start(self) -> str:
        """Start all three; the processor reads from its first second on.

        Raises:
            StudyError: One of them does not start.
        """
        super().start()
        topics.create_topics(self.kafka.address, topics.TOPICS)
        environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        command = [sys.executable, "-m", "flink_jobs.stream_processor"]
        self._launch(command, self.workspace.home, _COMMIT_MS, {**environ, **SETTINGS})
        return "Kafka and Redis answer, and the processor runs"

    def require_program(self) -> None:
        """Raise a `StudyError` with the processor's last words where it has ended."""
        if self._running() is None:
            raise StudyError(f"the processor has ended: {self._last_words()}")


class LivePayments:
    """A card of one's own, in the traffic of others, and what the pipeline says of that card."""

    def __init__(self, rig: PaymentRig, every_s: float = EVERY_S) -> None:
        """Let the others begin to pay; the rig runs.

        Args:
            rig: The services and the processor.
            every_s: How often one of the other cards pays, in seconds.
        """
        self._rig = rig
        self._every_s = every_s
        self._numbers = count(1)
        self._stored_ms = 0
        servers = rig.kafka.address
        self._producer = Producer(
            {
                "bootstrap.servers": servers, "log_level": 0, "linger.ms": 0,
                "partitioner": "murmur2_random",
            }
        )  # fmt: skip
        places = ((DEAD_LETTER_TOPIC, number) for number in range(topics.PARTITIONS))
        self._letters = reader_of(servers, places)
        self._store = redis.Redis(HOST, rig.redis.port)
        self._ended = Event()
        self._others = Thread(target=self._pay_for_others, daemon=True)
        self._others.start()

    def pay(self, cents: int, ago_ms: int = 0) -> PaymentTimes:
        """Send a payment that happened so many milliseconds ago; return when the log has it.

        Raises:
            StudyError: The broker does not take the payment.
        """
        event_ms = time.time_ns() // 1_000_000 - ago_ms
        self._stored_ms = 0
        value = _payment(MINE, f"mine-{next(self._numbers)}", cents, event_ms)
        self._producer.produce(TRANSACTIONS, value, MINE, on_delivery=self._confirm)
        self._producer.flush(_PATIENCE_S)
        if not self._stored_ms:
            raise StudyError("the broker has not taken the payment: press Stop, and start again")
        return PaymentTimes(event_ms, self._stored_ms)

    def features(self) -> dict[str, Any] | None:
        """Return the newest features of the card; None before the first.

        Raises:
            StudyError: The processor has ended.
        """
        self._rig.require_program()
        return read_features(self._store, f"features:fraud:{MINE}")

    def refusals(self, wait_s: float = 0.1) -> list[Refusal]:
        """Return the dead letters about payments of the card that have come since the last call."""
        letters = [
            message
            for message in self._letters.consume(1_000, wait_s)
            if message.error() is None and MINE.encode() in (message.value() or b"")
        ]
        return [_refusal(letter) for letter in letters]

    def close(self) -> None:
        """End the others' payments, and let go of broker and store."""
        self._ended.set()
        self._others.join(_PATIENCE_S)
        self._producer.flush(_PATIENCE_S)
        self._letters.close()
        self._store.close()

    def _confirm(self, error: object, message: Message) -> None:
        if error is None:
            self._stored_ms = message.timestamp()[1]

    def _pay_for_others(self) -> None:
        for number in count():
            if self._ended.wait(self._every_s):
                return
            card = f"card-{number % _OTHERS}"
            now_ms = time.time_ns() // 1_000_000
            value = _payment(card, f"other-{number}", 1_000, now_ms)
            self._producer.produce(TRANSACTIONS, value, card)
            self._producer.poll(0)


def _payment(card: str, event_id: str, cents: int, event_ms: int) -> bytes:
    return json.dumps(
        {
            "event_id": event_id, "card_id": card, "merchant_id": "kiosk", "amount_cents": cents,
            "country": "DE", "lat": 52.5, "lon": 13.4, "event_time": event_ms,
        }
    ).encode()  # fmt: skip


def _refusal(letter: Message) -> Refusal:
    headers: dict[str, bytes] = dict(letter.headers() or ())  # type: ignore[arg-type]
    number = int(json.loads(letter.value() or b"")["event_id"].removeprefix("mine-"))
    return Refusal(
        number, headers["reason"].decode(), len(json.loads(headers["missed_windows"] or b"[]"))
    )


@contextmanager
def live_payments() -> Iterator[LivePayments]:
    """Start the pipeline beside whatever runs, and stop and remove it whatever happens.

    Where the process is killed, its leash stops all of it and removes the folder.

    Raises:
        StudyError: A service does not start.
    """
    rig = PaymentRig(leashed_folder("live-payments-"))
    try:
        rig.start()
        with closing(LivePayments(rig)) as payments:
            yield payments
    finally:
        rig.stop()
