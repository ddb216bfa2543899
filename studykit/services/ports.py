"""Ports: which are free, and who has those that are not."""

from __future__ import annotations

import random
import socket

import psutil

HOST = "127.0.0.1"

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Outgoing connections draw their ports from above these, so that a free one stays free."""


def is_taken(port: int) -> bool:
    """Tell whether something listens on `port` of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closing one is no owner
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return accepts(HOST, port)


def accepts(host: str, port: int, timeout_seconds: float = 1.0) -> bool:
    """Tell whether a connection to `port` of `host` is accepted."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a free port of the loopback interface, chosen at random."""
    while True:
        port = random.choice(_BELOW_EPHEMERAL)
        if not is_taken(port):
            return port


def owner(port: int) -> str:
    """Say who listens on `port`: the process's name and pid, as far as the system tells."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes to the administrator only
        return "another process"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,):
            return _name(connection.pid) if connection.pid else "a process of another user"
    return "another process"


def refusal(port: int, variable: str) -> str:
    """Say in one sentence that `port` is taken, by whom, and how to choose another."""
    another = next((other for other in range(port + 1, 65_536) if not is_taken(other)), free_port())
    return (
        f"port {port} is taken by {owner(port)}: stop it, or choose another port, "
        f"as in `{variable}={another} make up`"
    )


def _name(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.NoSuchProcess:
        return "another process"
