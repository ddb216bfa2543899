"""Ports of this machine: which are free, and which process has those that are not."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections import deque

from studykit.errors import StudyError

HOST = "127.0.0.1"

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Systems give outgoing connections ports above these: a free port here stays free until used."""

_TRIES = 10_000
_MOST_CLAIMS = 64
_claims: deque[int] = deque()
"""File descriptors of the newest claims; the oldest is given up for one too many."""


def is_taken(port: int) -> bool:
    """Return whether something listens on `port` of this machine, on whichever interface."""
    with socket.socket() as probe:
        # A connection that is just closing (TIME_WAIT) does not own the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return accepts(HOST, port)


def accepts(host: str, port: int, timeout_seconds: float = 1.0) -> bool:
    """Return whether `port` of `host` accepts a connection within `timeout_seconds`."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a free port of the loopback interface that this process alone was given.

    The port is claimed for as long as the process lives, or until it has asked for many others: a
    service takes seconds to listen, and another process may ask for a port meanwhile.

    Raises:
        StudyError: Of the thousands that were tried, each is taken or claimed.
    """
    for _ in range(_TRIES):
        # Not of the module `random`: who seeds that, as property tests do, gets the ports of all
        # others who seed it.
        port = secrets.choice(_BELOW_EPHEMERAL)
        if name := claim(port):
            _keep(name)
            if not is_taken(port):
                return port
    raise StudyError(
        f"no port of {_BELOW_EPHEMERAL.start} to {_BELOW_EPHEMERAL.stop - 1} is free: "
        "end what listens there, or choose a port yourself, as in `KAFKA_PORT=40001 make up`"
    )


def claim(port: int) -> socket.socket | None:
    """Take a port's name, which the system frees with the socket; None where somebody has it.

    A name is for those who choose a port and are not yet listening: users of this machine, too.
    """
    name = socket.socket(socket.AF_UNIX)
    if sys.platform != "linux":  # the others have no names without files
        return name
    try:
        name.bind(f"\0event-time-lab/port/{port}")
    except OSError:
        name.close()
        return None
    return name


def _keep(name: socket.socket) -> None:
    """Keep a name until this process ends, or has asked for many others."""
    if len(_claims) == _MOST_CLAIMS:
        os.close(_claims.popleft())
    _claims.append(name.detach())  # an object would warn at the end that nobody has closed it


def next_free(port: int) -> int:
    """Return the first free port from `port` on."""
    return next((other for other in range(port, 65_536) if not is_taken(other)), free_port())


def owner(port: int) -> str:
    """Return who listens on `port`, in words: name and pid of the process, if the system tells."""
    import psutil  # noqa: PLC0415 - a browser has none, and reads recordings by way of this module

    try:
        listening = [
            connection
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,)
        ]
        if not listening:
            return "another process"
        pid = listening[0].pid
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else "a process of another user"
    except (psutil.AccessDenied, psutil.NoSuchProcess):  # macOS tells the administrator only
        return "another process"


def refusal(port: int, variable: str) -> str:
    """Return a sentence: the port is taken, by which process, and how to choose another.

    Args:
        port: The port that is taken.
        variable: The environment variable that chooses it, such as `KAFKA_PORT`.
    """
    return (
        f"port {port} is taken by {owner(port)}: stop it, or choose another port, "
        f"as in `{variable}={next_free(port + 1)} make up`"
    )
