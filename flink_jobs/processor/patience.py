"""Patience: how long a service that is away is waited for, and what is said meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from kafka.errors import KafkaError

from flink_jobs.connectors.kafka import refusal
from flink_jobs.errors import ServiceAway
from flink_jobs.monitoring.health import Health

CALL_MS: Final = 1_000
"""How long one request to the broker may take before it counts as not answered, milliseconds.

A stop waits for one such request at most, so that it is heard within two seconds.
"""
PATIENCE_S: Final = 120.0
"""How long a service may be away before the processor gives up, seconds of wall time."""
STOP_PATIENCE_S: Final = 1.0
"""The same once the processor has been told to stop."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
STOP_PAUSE_S: Final = 0.1

log = logging.getLogger("stream_processor")


class Patience:
    """Tells the health page whether one service answers, and backs off while it does not."""

    def __init__(self, service: str, health: Health, stop: threading.Event) -> None:
        """Watch `service`; once `stop` is set, there is less time to wait."""
        self._service = service
        self._health = health
        self._stop = stop
        self._pause_s = FIRST_PAUSE_S
        self._away_since: float | None = None

    def answered(self) -> None:
        """Note that the service does its work."""
        if self._away_since is None:
            return
        seconds = round(time.monotonic() - self._away_since, 1)
        log.info(f"{self._service} is back", extra={"context": {"away_seconds": seconds}})
        self._away_since = None
        self._pause_s = FIRST_PAUSE_S
        self._health.ok(self._service)

    def failed(self, error: object) -> None:
        """Note that the service did not answer, and pause.

        Each pause is twice the one before it, up to `LONGEST_PAUSE_S`. The first failure of a row
        is logged; the health page tells of the newest.

        Raises:
            ServiceAway: The service has been away for longer than it is waited for.
        """
        now = time.monotonic()
        self._health.trouble(self._service, str(error))
        if self._away_since is None:
            self._away_since = now
            log.warning(f"{self._service} is away", extra={"context": {"error": str(error)}})
        limit_s = STOP_PATIENCE_S if self._stop.is_set() else PATIENCE_S
        if now - self._away_since > limit_s:
            raise ServiceAway(
                f"{self._service} has been away for {now - self._away_since:.0f} s ({error}): "
                "nothing is lost, start again when it is back"
            )
        if self._stop.wait(self._pause_s):  # once told to stop, `wait` returns at once
            time.sleep(STOP_PAUSE_S)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


def wait_out(error: KafkaError, patience: Patience) -> None:
    """Wait a moment where the broker is away; end where it has answered, and refused.

    Raises:
        KafkaUnusable: The error is a refusal, which waiting does not change.
        ServiceAway: Kafka has been away for longer than it is waited for.
    """
    if ending := refusal(error):
        raise ending from error
    patience.failed(f"it does not answer ({type(error).__name__})")
