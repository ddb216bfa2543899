"""Attention: troubles that do not stop the processor, and for how long each is told."""

from __future__ import annotations

import logging
import time
from typing import Final

from flink_jobs.monitoring.health import Health

ATTENTION_S: Final = 60.0
"""How long the health page tells of an incident that does not repeat, seconds of wall time."""

log = logging.getLogger("stream_processor")


class Attention:
    """Tells of repeated incidents in the log once, and on the health page while they last."""

    def __init__(self, health: Health) -> None:
        """Begin without any incident; tell later ones to `health`."""
        self._health = health
        self._last: dict[str, float] = {}

    def say(self, incident: str, sentence: str, **context: object) -> None:
        """Note that an incident has happened.

        Args:
            incident: The name of the incident, under which it is known to repeat.
            sentence: The sentence for the log, the first time, and for the health page.
            context: Further keys of the log line.
        """
        if incident not in self._last:
            log.error(sentence, extra={"context": context})
        self._last[incident] = time.monotonic()
        self._health.trouble(incident, sentence)

    def forget(self) -> None:
        """Forget the incidents that have not happened for `ATTENTION_S`: the page is well again."""
        now = time.monotonic()
        for incident, last in list(self._last.items()):
            if now - last > ATTENTION_S:
                del self._last[incident]
                self._health.ok(incident)
