"""The quick engine: a warm zygote in the sandbox, one fork for each submission."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from studykit.grading.box.wire import Hangup, TooSlow, Wire, WireError
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import BadReply
from studykit.grading.sandbox.session import Call, CallAnswer
from studykit.grading.sandbox.warden import RunnerSession, Warden


class ForkEngine:
    """A runner of our own for each session, and a pipe of JSON to it."""

    def __init__(self, sandbox: Sandbox, slot: int, modules: Sequence[str], limits: Limits) -> None:
        """Start the zygote. The arguments are those of `Warden`.

        Raises:
            EngineFailure: It does not start.
        """
        self.limits = limits
        self.alone = False
        """Whether no other submission runs beside those of this engine; the pool sets it."""
        self._warden = Warden(sandbox, slot, modules, limits)

    def close(self) -> None:
        """End the zygote and all that it started."""
        self._warden.close()

    @contextmanager
    def session(self) -> Iterator[_ForkSession]:
        """Open a fresh session: a fork of the zygote, which ends with the session.

        Raises:
            EngineFailure: The zygote does not do what it is told.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:  # our copy of the runner's end, or its death would not close the wire
                self._warden.start([theirs.fileno()])
            session = _ForkSession(self._warden, Wire(ours), self.limits, alone=self.alone)
            try:
                yield session
            finally:
                session.end()


class _ForkSession(RunnerSession):
    """A runner of the zygote."""

    def __init__(self, warden: Warden, wire: Wire, limits: Limits, *, alone: bool) -> None:
        super().__init__(warden, alone=alone)
        self._wire = wire
        self._limits = limits

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        try:
            return replies.error_of(self._ask({"cell": source}, within_s))
        except BadReply:
            self.die("protocol")

    def call(self, call: Call, within_s: float) -> list[CallAnswer]:
        limit = self._limits.call_s
        try:
            return call.answers(self._ask(call.request(limit), within_s), limit)
        except BadReply:
            self.die("protocol")

    def _ask(self, request: dict[str, Any], within_s: float) -> dict[str, Any]:
        """Send a request to the runner and return its reply.

        Raises:
            Death: The runner was ended: its time was over, or it broke the protocol or hung up.
            Crowded: The time may be over only because others ran beside the submission.
            BadReply: The reply is none to this request.
        """
        # Nobody inside can guess it: what was written before the question is no reply to it.
        nonce = secrets.token_hex(8)
        clock = self.clock(within_s)
        try:
            self._wire.send({"nonce": nonce, **request}, within_s)
            while True:
                left_s = clock.left_s()
                if left_s <= 0:
                    self.die("timeout")
                try:
                    return replies.parse(self._wire.receive(left_s), nonce)
                except TooSlow:  # on the wall; the clock may have stood still meanwhile
                    continue
        except TooSlow:
            self.die("timeout")
        except WireError:
            self.die("protocol")
        except Hangup:
            self.die(None)
