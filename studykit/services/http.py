"""HTTP to what runs on this machine: one way to ask, which no proxy setting leads astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studykit.services.ports import HOST

if TYPE_CHECKING:
    from httpx import Response

TIMEOUT_SECONDS = 5.0


def get(port: int, path: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Response:
    """Ask `port` of the loopback interface for `path`; return the reply, whatever its status.

    Raises:
        OSError: Nobody answers, or somebody who does not speak HTTP.
    """
    import httpx  # noqa: PLC0415 - slow to load, and many commands ask nobody

    try:
        return httpx.get(
            f"http://{HOST}:{port}/{path.lstrip('/')}", timeout=timeout_seconds, trust_env=False
        )
    except httpx.HTTPError as error:
        raise ConnectionError(str(error)) from None
