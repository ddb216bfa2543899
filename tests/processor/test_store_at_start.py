"""A store that has not answered yet: it is asked again, a few times."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.redis import open_answering
from flink_jobs.errors import ServiceAway

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


@contextmanager
def server_that_says(replies: Sequence[bytes]) -> Iterator[int]:
    """Serve, at the port, one of the replies to each ping, the last one for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, list(replies)), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket, replies: list[bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # closed: the test is over
            return
        with connection:
            while asked := connection.recv(4_096):
                if asked.endswith(b"PING\r\n"):
                    connection.sendall(replies.pop(0) if len(replies) > 1 else replies[0])
                else:  # the client introduces itself
                    connection.sendall(b"+OK\r\n" * asked.count(b"*"))


def test_a_store_that_is_still_loading_is_asked_again():
    with server_that_says([LOADING, LOADING, b"+PONG\r\n"]) as port:
        open_answering(Settings(redis_host="127.0.0.1", redis_port=port)).close()


def test_a_store_that_does_not_get_ready_is_given_up():
    with server_that_says([LOADING]) as port, pytest.raises(ServiceAway, match="no Redis answers"):
        open_answering(Settings(redis_host="127.0.0.1", redis_port=port))
