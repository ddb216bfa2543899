"""Health: what works and what does not, as `/healthz` tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Health:
    """What works and what does not, as `/healthz` tells it."""

    def __init__(self, job: str, look: Callable[[], Mapping[str, str]] = dict) -> None:
        """Begin with nothing known to be wrong.

        Args:
            job: The job's name.
            look: Looks for more troubles whenever somebody asks: what is wrong, by component.
        """
        self._job = job
        self._look = look
        self._troubles: dict[str, str] = {}

    def ok(self, component: str) -> None:
        """Note that a component answers."""
        self._troubles.pop(component, None)

    def trouble(self, component: str, text: str) -> None:
        """Note what is wrong with a component."""
        self._troubles[component] = text

    def page(self) -> tuple[str, bytes]:
        """Return the HTTP status and the JSON body."""
        troubles = {**self._troubles, **self._look()}
        status = "degraded" if troubles else "ok"
        body = msgspec.json.encode({"status": status, "job": self._job, "troubles": troubles})
        return ("503 Service Unavailable" if troubles else "200 OK"), body
