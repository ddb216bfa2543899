"""The grader's end of a zygote: starts runners in a sandbox, watches them, and ends them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

from studykit.grading.box.shell import OUTPUT_STATUS
from studykit.grading.box.zygote import ALL_PROCESSES
from studykit.grading.sandbox.cgroup import SubmissionGroup
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import Trouble
from studykit.grading.sandbox.session import Crowded, Death

START_S: Final = 60.0
ORDER_S: Final = 60.0
PATIENCE: Final = 4
"""Most wall-clock time, in multiples of a limit, where a submission waits for a processor."""
PATIENCE_ALONE: Final = 20
"""The same multiple where no other submission runs at that time."""
LOOK_EVERY_S: Final = 0.05
SHORT_S: Final = 0.5
"""Wall-clock seconds of a request below which nobody asks how long the submission waited in it."""


class EngineFailure(Exception):
    """The sandbox itself does not work. That says nothing about the submission."""


class Usage(NamedTuple):
    """What a runner has had since it was started, in seconds."""

    waited_s: float
    """How long it waited for a processor."""
    cpu_s: float
    """What its processes have used of the processors together."""


class Warden:
    """A zygote and the control socket to it."""

    def __init__(
        self,
        sandbox: Sandbox,
        slot: int,
        modules: Sequence[str],
        limits: Limits,
        *,
        kernels: bool = False,
    ) -> None:
        """Start the zygote.

        Args:
            sandbox: Where the zygote runs.
            slot: Number of the worker; it decides the user that submissions run as.
            modules: What the zygote imports beforehand.
            limits: The limits of one submission.
            kernels: Whether its runners are notebook kernels.

        Raises:
            EngineFailure: It does not start.
        """
        self.limits = limits
        self.known: Usage = Usage(0.0, 0.0)
        self._branch = sandbox.branch
        self._group: SubmissionGroup | None = None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {
            "user": sandbox.user(slot),
            "modules": list(modules),
            "level": sandbox.level,
            "readable": sandbox.readable,
            "kernels": kernels,
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
        self.kill()

    def kill(self) -> None:
        """End the zygote and all that it started, at once."""
        self._zygote.kill()
        self._zygote.wait()

    def start(self, handles: Sequence[int], **more: object) -> None:
        """Start a runner that is given `handles`.

        Raises:
            EngineFailure: The zygote does not do what it is told, or no group can be made.
        """
        limits = self.limits
        self.known = Usage(0.0, 0.0)
        order = {
            "start": True,
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "output_bytes": limits.output_bytes,
        }
        if self._branch is None:
            self._order(order | more, *handles)
            return
        try:
            self._group = self._branch.group(ALL_PROCESSES * limits.memory_bytes)
            door = self._group.open_door()
        except OSError as error:
            raise EngineFailure(f"no control group can be made: {error.strerror}") from None
        try:
            self._order(order | more | {"group": True}, *handles, door)
        finally:
            os.close(door)

    def alive(self) -> bool:
        """Return whether the runner lives."""
        return bool(self._order({"usage": True})["alive"])

    def usage(self) -> Usage:
        """Return what the runner has waited and used up to now; keep it as `known`."""
        usage = self._order({"usage": True})
        self.known = Usage(float(usage["waited_s"]), float(usage["cpu_s"]))
        return self.known

    def stop(self) -> Trouble | None:
        """End the runner; return the trouble that it died of, None if this killed it."""
        how = self._order({"stop": True})
        status = int(how["status"])
        if self._leave_group() or how["memory"]:
            return "mem"
        if status & 0x7F == signal.SIGXCPU:
            return "timeout"
        if status & 0x7F == signal.SIGKILL:
            return None
        return "output" if status >> 8 == OUTPUT_STATUS else "crashed"

    def _leave_group(self) -> bool:
        """Remove the runner's group, if it had one; return whether its memory had run out."""
        group, self._group = self._group, None
        if group is None:
            return False
        overflowed = group.overflowed()
        group.remove()
        return overflowed

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


class Clock:
    """The time of one request. It stands still while the submission waits for a processor.

    So a neighbour that takes all processors takes nobody's time. The time is over, too, when all
    processes of the submission together have used as much of the processors as the request may.
    """

    def __init__(self, warden: Warden, within_s: float, before_s: float, *, alone: bool) -> None:
        """Start the clock.

        Args:
            warden: Knows how long the submission waited and what it used.
            within_s: Seconds that the request may take.
            before_s: Seconds that earlier requests of the session took, on the wall.
            alone: Whether no other submission runs beside it.
        """
        self._warden = warden
        self._within_s = within_s
        known = warden.known
        # Nobody asked after short requests: what they used is no more than their time on the wall.
        self._before = Usage(known.waited_s, max(known.cpu_s, before_s))
        self._alone = alone
        self._begun = time.monotonic()
        self._most_s = within_s * (PATIENCE_ALONE if alone else PATIENCE)

    @property
    def wall_s(self) -> float:
        """Wall-clock seconds since the clock was started."""
        return time.monotonic() - self._begun

    def left_s(self) -> float:
        """Return after how many seconds to look again; 0 when the time is over.

        Raises:
            Crowded: The time may be over only because others ran beside the submission.
        """
        wall_s = self.wall_s
        if wall_s < self._within_s:
            return self._within_s - wall_s
        left_s = self._within_s - self._could_run_s(wall_s)
        if left_s > 0 and wall_s >= self._most_s:
            if not self._alone:
                raise Crowded
            return 0.0
        return max(left_s, LOOK_EVERY_S) if left_s > 0 else 0.0

    def spent_s(self) -> float:
        """Return the seconds that the request has cost the submission up to now.

        The runner must live. What is short costs its time on the wall: to ask would take longer.
        """
        wall_s = self.wall_s
        return wall_s if wall_s < SHORT_S else min(wall_s, self._could_run_s(wall_s))

    def _could_run_s(self, wall_s: float) -> float:
        before, now = self._before, self._warden.usage()
        return max(wall_s - (now.waited_s - before.waited_s), now.cpu_s - before.cpu_s)


class RunnerSession:
    """A runner of a warden: what both engines do with it."""

    def __init__(self, warden: Warden, *, alone: bool) -> None:
        """Watch the runner that `warden` has just started."""
        self._warden = warden
        self._alone = alone
        self._ended = False
        self._clock: Clock | None = None
        self._before_s = 0.0

    def end(self) -> Trouble | None:
        """End the runner, if it has not ended; return the trouble that it died of, if any."""
        if self._ended:
            return None
        self._ended = True
        return self._warden.stop()

    def clock(self, within_s: float) -> Clock:
        """Return a clock for one request; the one before has ended."""
        if self._clock is not None:
            self._before_s += self._clock.wall_s
        self._clock = Clock(self._warden, within_s, self._before_s, alone=self._alone)
        return self._clock

    def spent_s(self) -> float:
        """Return the seconds that the last request has cost; on the wall, if the session ended."""
        if self._clock is None:
            return 0.0
        return self._clock.wall_s if self._ended else self._clock.spent_s()

    def die(self, trouble: Trouble | None) -> NoReturn:
        """End the session with `trouble`; without one, with the trouble that killed the runner.

        Raises:
            Death: Always.
        """
        cause = self.end()
        raise Death("mem" if cause == "mem" else trouble or cause or "crashed")
