"""Attention: what goes wrong while everything goes on, and for how long it is said."""

from __future__ import annotations

import logging
import time
from typing import Final

from flink_jobs.monitoring.health import Health

ATTENTION_S: Final = 60.0
"""How long the health page tells of something that has not happened again."""

log = logging.getLogger("stream_processor")


class Attention:
    """Tells of repeated incidents in the log once, and on the health page while they last."""

    def __init__(self, health: Health) -> None:
        """Tell `health`; nothing has happened yet."""
        self._health = health
        self._last: dict[str, float] = {}

    def say(self, incident: str, sentence: str, **context: object) -> None:
        """Note that an incident has happened; only the first of a row of them is logged."""
        if incident not in self._last:
            log.error(sentence, extra={"context": context})
        self._last[incident] = time.monotonic()
        self._health.trouble(incident, sentence)

    def forget(self) -> None:
        """Forget the incidents that have not happened for `ATTENTION_S`."""
        now = time.monotonic()
        for incident, last in list(self._last.items()):
            if now - last > ATTENTION_S:
                del self._last[incident]
                self._health.ok(incident)
