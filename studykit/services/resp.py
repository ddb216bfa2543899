"""The little of the Redis protocol (RESP 2) that a command line needs.

A client library hides what kind of reply came; to print like redis-cli, the kind must be known.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """A short word from the server, such as OK."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's error. Its text begins with a code such as ERR or WRONGTYPE."""

    text: str


Reply: TypeAlias = "Status | Refusal | int | bytes | list[Reply] | None"


def call(host: str, port: int, *words: str) -> Reply:
    """Send one command and return the reply.

    Raises:
        OSError: The server cannot be reached, or hung up.
    """
    with (
        socket.create_connection((host, port), _TIMEOUT_SECONDS) as connection,
        connection.makefile("rb") as replies,
    ):
        connection.sendall(_encode(words))
        return _read(replies)


def as_lines(reply: Reply, indent: str = "") -> list[str]:
    """Return a reply as redis-cli shows it in a terminal."""
    if isinstance(reply, list):
        return _list_lines(reply, indent) if reply else ["(empty array)"]
    if isinstance(reply, Status):
        return [reply.text]
    if isinstance(reply, Refusal):
        return [f"(error) {reply.text}"]
    if isinstance(reply, int):
        return [f"(integer) {reply}"]
    return ["(nil)"] if reply is None else [_quoted(reply)]


def as_raw_lines(reply: Reply) -> list[str]:
    """Return a reply as redis-cli writes it into a pipe."""
    if isinstance(reply, list):
        return [line for item in reply for line in as_raw_lines(item)] or [""]
    if isinstance(reply, Status | Refusal):
        return [reply.text]
    if isinstance(reply, bytes):
        return [reply.decode(errors="replace")]
    return ["" if reply is None else str(reply)]


def _list_lines(items: list[Reply], indent: str) -> list[str]:
    lines: list[str] = []
    width = len(str(len(items)))
    for number, item in enumerate(items, start=1):
        label = f"{number:>{width}}) "
        first, *rest = as_lines(item, indent + " " * len(label))
        lines += [(indent if lines else "") + label + first, *rest]
    return lines


def _quoted(value: bytes) -> str:
    escapes = {
        **{ord(c): f"\\{c}" for c in '"\\'},
        10: "\\n",
        13: "\\r",
        9: "\\t",
        7: "\\a",
        8: "\\b",
    }
    printable = range(32, 127)
    text = (escapes.get(b) or (chr(b) if b in printable else f"\\x{b:02x}") for b in value)
    return f'"{"".join(text)}"'


def _encode(words: tuple[str, ...]) -> bytes:
    parts = [word.encode() for word in words]
    bulk = [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%s" % (len(parts), b"".join(bulk))


def _read(replies: BinaryIO) -> Reply:
    line = replies.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("the server hung up")
    kind, rest = line[:1], line[1:-2]
    if kind in b"+-":
        return (Status if kind == b"+" else Refusal)(rest.decode(errors="replace"))
    number = int(rest)
    if kind == b":":
        return number
    if number < 0:
        return None
    if kind == b"*":
        return [_read(replies) for _ in range(number)]
    return replies.read(number + 2)[:-2]
