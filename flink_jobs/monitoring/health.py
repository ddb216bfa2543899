"""Health: the troubles of a job, as `/healthz` tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Health:
    """The troubles of a job: a sentence for each component that is not well.

    >>> health = Health("demo")
    >>> health.trouble("redis", "no Redis answers")
    >>> health.page()[1]
    b'{"status":"degraded","job":"demo","troubles":{"redis":"no Redis answers"}}'
    """

    def __init__(self, job: str, look: Callable[[], Mapping[str, str]] = dict) -> None:
        """Begin without troubles.

        Args:
            job: The job's name.
            look: Returns further troubles by component; called for every page.
        """
        self._job = job
        self._look = look
        self._troubles: dict[str, str] = {}

    def ok(self, component: str) -> None:
        """Note that a component is well."""
        self._troubles.pop(component, None)

    def trouble(self, component: str, text: str) -> None:
        """Note what is wrong with a component; a newer sentence replaces an older one."""
        self._troubles[component] = text

    def told(self) -> list[str]:
        """Return the components of which a trouble was told, without what `look` finds."""
        return [*self._troubles]

    def page(self) -> tuple[str, bytes]:
        """Return the HTTP status, 200 or 503, and the JSON body."""
        troubles = {**self._troubles, **self._look()}
        status = "degraded" if troubles else "ok"
        body = msgspec.json.encode({"status": status, "job": self._job, "troubles": troubles})
        return ("503 Service Unavailable" if troubles else "200 OK"), body
