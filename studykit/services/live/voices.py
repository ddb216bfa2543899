"""Producers on a real broker: each says the time, at a pace of its own, until it is silenced."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from confluent_kafka import Producer

from studykit.services import topics

_PATIENCE_S: Final = 10.0


class Voice(NamedTuple):
    """A producer of one partition: it takes a reading every `every_s` seconds of wall time."""

    topic: str
    partition: int = 0
    every_s: float = 0.2
    bundle: int = 1
    """How many readings it sends together: a producer may be slow, and have much to say."""


class Voices:
    """Producers on a running broker. A reading is the milliseconds since they began, as text.

    They say nothing before `begin`, and a silenced one takes no readings.
    """

    def __init__(self, servers: str, voices: Sequence[Voice]) -> None:
        """Create the topics.

        Raises:
            KafkaError: The broker does not answer.
        """
        topics.create_topics(servers, dict.fromkeys(voice.topic for voice in voices))
        self._voices = voices
        self._silent: frozenset[str] = frozenset()
        # A topic that is silenced gets nothing more once `silence` has returned.
        self._lock = Lock()
        self._ended = Event()
        self._producer = Producer({"bootstrap.servers": servers, "log_level": 0, "linger.ms": 0})
        self._thread = Thread(target=self._speak, daemon=True)

    def begin(self) -> None:
        """Let all of them speak."""
        self._thread.start()

    def silence(self, *silent: str) -> None:
        """Silence the producers of these topics, and let all others speak."""
        with self._lock:
            self._silent = frozenset(silent)

    def close(self) -> None:
        """End all of them."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE_S)
        self._producer.flush(_PATIENCE_S)

    def _speak(self) -> None:
        begin = time.monotonic()
        readings: dict[Voice, list[int]] = {voice: [] for voice in self._voices}
        due_s = dict.fromkeys(self._voices, 0.0)
        while not self._ended.wait(max(0.0, begin + min(due_s.values()) - time.monotonic())):
            with self._lock:
                now_s = time.monotonic() - begin
                for voice in [voice for voice in self._voices if due_s[voice] <= now_s]:
                    due_s[voice] = now_s + voice.every_s
                    if voice.topic not in self._silent:
                        self._say(voice, readings[voice], int(now_s * 1_000))
            self._producer.poll(0)

    def _say(self, voice: Voice, readings: list[int], now_ms: int) -> None:
        readings.append(now_ms)
        if len(readings) >= voice.bundle:
            for reading_ms in readings:
                self._producer.produce(voice.topic, f"{reading_ms}", partition=voice.partition)
            readings.clear()
