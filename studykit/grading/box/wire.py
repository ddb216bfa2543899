"""Messages between the grader and a sandbox: one JSON object a line, bounded in size and time."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any, Final

MAX_BYTES: Final = 2**20


class WireError(Exception):
    """Bytes from the wire are no message. The error's text says why."""


class Hangup(Exception):
    """The other end has closed the connection."""


class TooSlow(Exception):
    """No whole message came in time."""


class Wire:
    """One end of a connection. Whoever is at the other end is not trusted."""

    def __init__(self, end: socket.socket) -> None:
        """Wrap a connected stream socket."""
        self._end = end
        self._rest = b""

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def send(self, message: dict[str, Any], within_s: float | None = None) -> None:
        """Send a message.

        Raises:
            Hangup: Nobody is there to take it.
            TooSlow: It was not taken in time.
        """
        self._end.settimeout(within_s)
        try:
            self._end.sendall(json.dumps(message).encode() + b"\n")
        except TimeoutError:
            raise TooSlow from None
        except OSError:
            raise Hangup from None

    def receive(self, within_s: float | None = None) -> bytes:
        """Return the next line, without its end.

        Raises:
            Hangup: The other end was closed.
            TooSlow: No line came in time.
            WireError: The line is longer than `MAX_BYTES`, or more than one came.
        """
        deadline = None if within_s is None else time.monotonic() + within_s
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_BYTES:
                raise WireError(f"more than {MAX_BYTES} bytes")
            self._rest += self._more(deadline)
        line, _, self._rest = self._rest.partition(b"\n")
        if self._rest:  # or a submission could lay the reply to the next question ready
            raise WireError("more than one answer")
        return line

    def _more(self, deadline: float | None) -> bytes:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([self._end], [], [], left)[0]:
            raise TooSlow
        try:
            data = self._end.recv(65_536)
        except OSError:
            raise Hangup from None
        if not data:
            raise Hangup
        return data
