"""The quick engine: a warm zygote in the sandbox, one fork for each submission."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

from studykit.grading.box.shell import OUTPUT_STATUS
from studykit.grading.box.wire import Hangup, TooSlow, Wire, WireError
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import BadReply, Trouble
from studykit.grading.sandbox.session import Answer, Call, Death

START_S: Final = 60.0
ORDER_S: Final = 20.0


class EngineFailure(Exception):
    """The sandbox itself does not work; nothing is said about the submission."""


class ForkEngine:
    """A zygote and the control socket to it."""

    def __init__(self, sandbox: Sandbox, slot: int, modules: Sequence[str], limits: Limits) -> None:
        """Start the zygote.

        Args:
            sandbox: Where it runs.
            slot: Number of the worker; it decides the user that submissions run as.
            modules: What it imports beforehand.
            limits: The limits of one submission.

        Raises:
            EngineFailure: It does not start.
        """
        self.limits = limits
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {
            "user": sandbox.user(slot),
            "modules": list(modules),
            "level": sandbox.level,
            "readable": sandbox.readable,
        }
        arguments = [str(theirs.fileno()), json.dumps(options)]
        with theirs:
            handles = [theirs.fileno()]
            self._zygote = sandbox.start("studykit.grading.box.zygote", arguments, handles)
        try:
            self._reply(START_S)
        except EngineFailure:
            self.close()
            raise

    def close(self) -> None:
        """End the zygote and all that it started."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._zygote.wait(timeout=5)
            return
        self._zygote.kill()
        self._zygote.wait()

    @contextmanager
    def session(self) -> Iterator[_ForkSession]:
        """Open a fresh session.

        Raises:
            EngineFailure: The zygote does not do what it is told.
        """
        ours, theirs = socket.socketpair()
        limits = self.limits
        order = {
            "start": True,
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "output_bytes": limits.output_bytes,
        }
        with ours:
            with theirs:
                self._order(order, theirs.fileno())
            session = _ForkSession(self, Wire(ours))
            try:
                yield session
            finally:
                session.end()

    def stop(self) -> dict[str, Any]:
        """End the session and return how it ended: `status` as of waitpid(2), and `memory`."""
        return self._order({"stop": True})

    def _order(self, order: dict[str, Any], *handles: int) -> dict[str, Any]:
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], handles)
        except OSError:
            raise EngineFailure("the sandbox ended by itself") from None
        return self._reply(ORDER_S)

    def _reply(self, within_s: float) -> dict[str, Any]:
        self._control.settimeout(within_s)
        try:
            data = self._control.recv(65_536)
        except OSError:
            raise EngineFailure(f"the sandbox did not answer within {within_s:g} s") from None
        if not data:
            raise EngineFailure("the sandbox did not start, or ended by itself")
        return dict(json.loads(data))


class _ForkSession:
    """A runner of the zygote."""

    def __init__(self, engine: ForkEngine, wire: Wire) -> None:
        self._engine = engine
        self._wire = wire
        self._ended = False

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        try:
            return replies.error_of(self._ask({"cell": source}, within_s))
        except BadReply:
            self._die("protocol")

    def call(self, call: Call, within_s: float) -> list[Answer]:
        limit = self._engine.limits.call_s
        try:
            reply = self._ask(call.request(limit), within_s)
            return call.answers(reply, limit)
        except BadReply:
            self._die("protocol")

    def end(self) -> dict[str, Any]:
        """End the runner, if it has not ended; return how it ended."""
        if self._ended:
            return {}
        self._ended = True
        return self._engine.stop()

    def _ask(self, request: dict[str, Any], within_s: float) -> dict[str, Any]:
        nonce = secrets.token_hex(8)
        until = time.monotonic() + within_s
        try:
            self._wire.send({"nonce": nonce, **request}, within_s)
            line = self._wire.receive(max(0.0, until - time.monotonic()))
        except TooSlow:
            self._die("timeout")
        except WireError:
            self._die("protocol")
        except Hangup:
            self._die(None)
        return replies.parse(line, nonce)

    def _die(self, trouble: Trouble | None) -> NoReturn:
        """End the session; without a trouble, that of which the runner died by itself."""
        how = self.end()
        raise Death("mem" if how.get("memory") else trouble or _cause(how.get("status", 0)))


def _cause(status: int) -> Trouble:
    if status & 0x7F == signal.SIGXCPU:
        return "timeout"
    return "output" if status >> 8 == OUTPUT_STATUS else "crashed"
