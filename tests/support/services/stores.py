"""Redis servers that one test has for itself, with flags that the test chooses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studykit.services.network.ports import HOST, accepts, free_port
from studykit.services.redis import find_redis
from tests.support.waiting import eventually

_TRIES = 5


@contextmanager
def server(folder: Path, *flags: str) -> Iterator[int]:
    """Yield the port of a Redis server that runs while the context is open.

    A cluster's server also needs the port 10,000 above its own, which an outgoing connection may
    have: such a server ends at once, and another port is tried.
    """
    for _ in range(_TRIES):
        port = free_port()
        command = [find_redis(), *flags, "--port", str(port), "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(lambda: accepts(HOST, port) or process.poll() is not None)  # noqa: B023
        if process.poll() is None:
            break
    try:
        assert process.poll() is None, f"{command} ended {_TRIES} times"
        yield port
    finally:
        process.kill()
        process.wait()
