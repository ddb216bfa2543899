"""HTTP to services on this machine: one way to ask, which ignores proxies of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studykit.services.network.ports import HOST

if TYPE_CHECKING:
    from httpx import Response

TIMEOUT_SECONDS = 5.0


def get(port: int, path: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Response:
    """Return the reply of a loopback port to GET `path`, whatever its status.

    Args:
        port: The port, of 127.0.0.1.
        path: The path with its query; a leading slash may be left out.
        timeout_seconds: Wall time to connect, and again between two parts of the reply.

    Raises:
        OSError: Nothing answers, or what answers does not speak HTTP.
    """
    import httpx  # noqa: PLC0415 - slow to load, and many commands ask nobody

    try:
        return httpx.get(
            f"http://{HOST}:{port}/{path.lstrip('/')}",
            timeout=timeout_seconds,
            trust_env=False,
            verify=False,  # there is no TLS, and to load all authorities takes 45 ms at each call
        )
    except httpx.HTTPError as error:
        raise ConnectionError(str(error)) from None
