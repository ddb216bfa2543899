"""Ports of this machine: which are free, and which process has those that are not."""

from __future__ import annotations

import random
import socket

import psutil

HOST = "127.0.0.1"

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Systems give outgoing connections ports above these: a free port here stays free until used."""


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
    """Return a free port of the loopback interface.

    The port is chosen at random, so that two programs that ask at once rarely get the same one.
    """
    while True:
        port = random.choice(_BELOW_EPHEMERAL)
        if not is_taken(port):
            return port


def next_free(port: int) -> int:
    """Return the first free port from `port` on."""
    return next((other for other in range(port, 65_536) if not is_taken(other)), free_port())


def owner(port: int) -> str:
    """Return who listens on `port`, in words: name and pid of the process, if the system tells."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes to the administrator only
        return "another process"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,):
            return _name(connection.pid) if connection.pid else "a process of another user"
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


def _name(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.NoSuchProcess:
        return "another process"
