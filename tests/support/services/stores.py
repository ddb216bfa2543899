"""Redis servers that one test has for itself, with flags that the test chooses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studykit.services.network.ports import HOST, accepts, free_port
from studykit.services.redis import find_redis
from tests.support.worlds.processor import eventually


@contextmanager
def server(folder: Path, *flags: str) -> Iterator[int]:
    """Yield the port of a Redis server that runs while the context is open."""
    port = free_port()
    command = [str(find_redis()), *flags, "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: accepts(HOST, port))
        yield port
    finally:
        process.kill()
        process.wait()
