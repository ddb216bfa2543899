"""The runner: runs a submission's cells, then calls its functions, each in a fork of its own.

It answers one request at a time. Once a cell has run, nothing that it says can be trusted; the
process at the other end of the wire knows that.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from types import FrameType
from typing import Any, Final

from studykit.checks.deadline import TooLong
from studykit.checks.running import run_cases
from studykit.grading.box.shell import OUTPUT_STATUS, run_cell
from studykit.grading.box.wire import MAX_BYTES, Hangup, Wire

PATIENCE: Final = 25
"""By so much a clock on the wall may exceed a limit before something is given up in here: outside
it is known how much of the time was spent waiting for a processor, and decided sooner."""
GRACE_S: Final = 1.0
"""Seconds between the alarm that a function can hear and the end that it cannot escape."""


def serve(wire: Wire, shell: Any) -> None:  # noqa: ANN401
    """Answer requests until the other end closes."""
    this = os.getpid()
    while True:
        try:
            request = json.loads(wire.receive())
        except Hangup:
            return
        answer = _answer(shell, request, wire)
        if os.getpid() != this:
            os._exit(0)  # a child that a cell started; its parent answers
        wire.send({"nonce": request["nonce"], **answer})


REHEARSALS: Final = 5
"""Runs after which Python has specialised code to the types that it meets."""

_REHEARSAL: Final = """
import json
def rehearsal(number, words):
    return {word: number for word in sorted(words)}
"""


def rehearse(shell: Any) -> None:  # noqa: ANN401
    """Do once in the zygote what each submission does, and leave nothing behind.

    What is loaded, cached and adapted here is the submissions' by their fork; each of them would
    do it again otherwise, and copy the memory in which it is done.
    """
    request = {"call": "rehearsal", "cases": [[1, ["a"]]], "seeds": [1, 2], "within_s": 60.0}
    for _ in range(REHEARSALS):
        run_cell(shell, _REHEARSAL)
        json.loads(json.dumps(outcomes(shell.user_ns, request)))
        run_cell(shell, "del json, rehearsal")


def outcomes(namespace: dict[str, Any], request: dict[str, Any]) -> list[Any]:
    """Return a function's outcomes for all cases, once for each seed; None without a function.

    A function that hung once is not asked again.
    """
    function = namespace.get(request["call"])
    if not callable(function):
        return [None]
    found: list[Any] = []
    for seed in request["seeds"]:
        _reseed(seed)
        found.append(_run(function, request["cases"], request["within_s"]))
        if "hung" in found[-1][-1]:
            break
    return found


def _run(function: Any, cases: list[list[Any]], within_s: float) -> Any:  # noqa: ANN401
    """Call a function with each case; interrupt it when it has had a processor for `within_s`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, within_s)
    try:
        return run_cases(function, [tuple(args) for args in cases], PATIENCE * within_s)
    except TooLong:  # between two cases
        return [{"hung": within_s}]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(shell: Any, request: dict[str, Any], wire: Wire) -> dict[str, Any]:  # noqa: ANN401
    if "cell" in request:
        return {"error": run_cell(shell, request["cell"])}
    return call(shell.user_ns, request, wire)


def call(namespace: dict[str, Any], request: dict[str, Any], wire: Wire | None) -> dict[str, Any]:
    """Call a function in a fork, so that nothing that it does reaches the next one.

    Args:
        namespace: Where the function is.
        request: What is asked.
        wire: What the fork must not answer on; None: the fork has no such thing.
    """
    try:
        reader, writer = os.pipe()
        child = os.fork()
    except OSError:  # its cells have left it no file or no process
        return {"died": "protocol"}
    if child == 0:
        if wire is not None:
            wire.close()
        os.close(reader)
        _answer_and_end(writer, namespace, request)
    os.close(writer)
    within_s = PATIENCE * request["within_s"] * len(request["seeds"]) + GRACE_S
    try:
        data, late = _read_all(reader, child, within_s)
    finally:
        os.close(reader)
    # Only now: a child that has more to write than a pipe holds does not end before it is read.
    _, status = os.waitpid(child, 0)
    try:
        return {"outcomes": json.loads(data)}
    except ValueError:
        return {"died": "timeout" if late else _cause(status, len(data))}


def _answer_and_end(writer: int, namespace: dict[str, Any], request: dict[str, Any]) -> None:
    """Write the outcomes and end this process without running anybody's clean-up."""
    status = 1
    try:
        data = memoryview(json.dumps(outcomes(namespace, request)).encode())
        while data:
            data = data[os.write(writer, data) :]
        status = 0
    finally:
        os._exit(status)


def _read_all(reader: int, child: int, within_s: float) -> tuple[bytes, bool]:
    """Return what a child writes, and whether it took too long; then, or if it is much, kill it."""
    data = b""
    deadline = time.monotonic() + within_s
    while len(data) <= MAX_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            return data, True
        chunk = os.read(reader, 65_536)
        if not chunk:
            return data, False
        data += chunk
    os.kill(child, signal.SIGKILL)
    return data, False


def _cause(status: int, size: int) -> str:
    """Return what ended a child that gave no answer that can be read."""
    if size > MAX_BYTES or (status == 0 and size > 0):
        return "protocol"
    if os.WIFEXITED(status):
        return "output" if os.WEXITSTATUS(status) == OUTPUT_STATUS else "crashed"
    return "timeout" if os.WTERMSIG(status) == signal.SIGXCPU else "crashed"


def _reseed(seed: int) -> None:
    random.seed(seed)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(seed % 2**32)


def publish(namespace: dict[str, Any], payload: str) -> None:
    """Answer a call from inside a notebook kernel: as the cell's one JSON output."""
    from IPython.display import publish_display_data  # noqa: PLC0415 - only kernels need it

    request = json.loads(payload)
    answer = {"nonce": request["nonce"], **call(namespace, request, None)}
    publish_display_data({"application/json": answer})
