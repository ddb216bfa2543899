"""The reference engine: testbook's client, hardened, and a real notebook kernel in the sandbox.

It shares with the quick engine the sandbox, the zygote and the judging, and nothing of how a cell
is run or an answer comes back; that both come to the same results is what makes either credible.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, Final

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import channel_socket_types
from jupyter_client.session import Session as Messages
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from testbook.client import TestbookNotebookClient

from studykit.grading.box.kernel import CHANNELS
from studykit.grading.box.wire import MAX_BYTES
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import BadReply
from studykit.grading.sandbox.session import Call, CallAnswer, Crowded
from studykit.grading.sandbox.warden import (
    LOOK_EVERY_S,
    START_S,
    Clock,
    EngineFailure,
    RunnerSession,
    Warden,
)

WAITING: Final = 16
"""Messages of a kernel that wait on this side; any more wait in the kernel."""
MESSAGES: Final = 2_000
"""Most messages of a kernel that one request reads; a kernel that sends more floods the client."""
LONGEST_PATH: Final = 80
"""Longest folder, in characters, below which a socket has room for its name."""
DYING_S: Final = 0.3
"""Seconds between the end of a kernel's connections and its own."""

_PREPARE: Final = (
    "__import__('studykit.grading.box.kernel', fromlist=['_'])"
    ".prepare(get_ipython(), {budget}, {memory_bytes})"
)
_CALL: Final = (
    "__import__('studykit.grading.box.runner', fromlist=['_'])"
    ".publish(get_ipython().user_ns, {payload!r})"
)


class TestbookEngine:
    """A kernel for each session, forked from a zygote as the quick engine's runners are."""

    __test__ = False

    def __init__(self, sandbox: Sandbox, slot: int, modules: Sequence[str], limits: Limits) -> None:
        """Start the zygote. The arguments are those of `Warden`.

        Raises:
            EngineFailure: It does not start.
        """
        self.limits = limits
        self.alone = False
        self._warden = Warden(sandbox, slot, modules, limits, kernels=True)

    def close(self) -> None:
        """End the zygote and all that it started."""
        self._warden.close()

    @contextmanager
    def session(self) -> Iterator[_KernelSession]:
        """Open a fresh session.

        Raises:
            EngineFailure: No kernel starts.
        """
        key = secrets.token_hex(16)
        folder = Path(mkdtemp(prefix="study-", dir=_short_folder()))
        with ExitStack() as left:
            left.callback(shutil.rmtree, folder, ignore_errors=True)
            with ExitStack() as handed:
                doors = [handed.enter_context(_door(folder, port)) for port in _PORTS]
                self._warden.start([door.fileno() for door in doors], key=key)
            client = _Client(self._warden, _connected(folder, key), self.limits)
            left.callback(client.close)
            session = _KernelSession(self._warden, client, self.limits, alone=self.alone)
            left.callback(session.end)
            session.prepare()
            yield session


_PORTS: Final = range(1, len(CHANNELS) + 1)


def _short_folder() -> str:
    """Return where sockets can be: the name of one has room for about a hundred bytes."""
    usual = gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST_PATH else "/tmp"


def _door(folder: Path, port: int) -> socket.socket:
    """Return a listening socket in a folder that only this process can enter."""
    door = socket.socket(socket.AF_UNIX)
    door.setblocking(False)
    door.bind(f"{folder}/s-{port}")
    door.listen()
    return door


def _connected(folder: Path, key: str) -> _BoundedClient:
    client = _BoundedClient(
        transport="ipc",
        ip=f"{folder}/s",
        session=_BoundedMessages(key=key.encode()),
        **{f"{channel}_port": port for port, channel in enumerate(CHANNELS, 1)},
    )
    client.start_channels(stdin=False, hb=False, control=False)
    return client


class Flood(Exception):
    """A kernel sent more messages than `MESSAGES` for one request."""


class _BoundedMessages(Messages):  # type: ignore[misc]
    """A reader of messages that stops with `Flood` after `MESSAGES` of them."""

    left = MESSAGES

    def deserialize(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401
        self.left -= 1
        if self.left < 0:
            raise Flood
        return super().deserialize(*words, **more)


class _BoundedClient(AsyncKernelClient):  # type: ignore[misc]
    """A kernel client that bounds the size and the number of the messages it takes."""

    def _create_connected_socket(self, channel: str, identity: bytes | None = None) -> Any:  # noqa: ANN401
        end = self.context.socket(channel_socket_types[channel])
        end.linger = 0
        end.setsockopt(zmq.MAXMSGSIZE, 2 * MAX_BYTES)
        end.setsockopt(zmq.RCVHWM, WAITING)
        end.setsockopt(zmq.RECONNECT_IVL, 20)  # ms
        if identity:
            end.identity = identity
        end.connect(self._make_url(channel))
        return end


class _Client(TestbookNotebookClient):  # type: ignore[misc]
    """Testbook's client, which gives up a kernel that prints, or does anything, without end."""

    def __init__(self, warden: Warden, kernel: _BoundedClient, limits: Limits) -> None:
        super().__init__(
            new_notebook(),
            timeout=None,
            force_raise_errors=True,
            skip_cells_with_tag="\0never",
            store_widget_state=False,
        )
        self.kc = kernel
        self._warden = warden
        self._budget = limits.output_bytes + MAX_BYTES
        self._left = self._budget
        self._clock: Clock | None = None
        self.failure: Exception | None = None
        self.flooded = False
        """Whether the kernel was given up because of what it sent."""
        self.late = False
        """Whether the kernel was given up because its time was over."""
        self.cut = False
        """Whether the kernel lives and has cut its connection."""
        events = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        self._ends = (kernel.shell_channel.socket, kernel.iopub_channel.socket)
        self._monitors = [end.get_monitor_socket(events) for end in self._ends]

    def close(self) -> None:
        """Close all that is open towards the kernel."""
        for end in self._ends:
            end.disable_monitor()
        self.kc.stop_channels()
        self.kc.context.destroy(linger=0)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:  # noqa: ANN401
        """Count what is printed, and drop what changes earlier outputs."""
        kind, content = msg["msg_type"], msg["content"]
        if kind.startswith("comm_") or kind in ("clear_output", "update_display_data"):
            return None
        self._left -= len(str(content))
        if self._left < 0:
            self.flooded = True
            self.task_poll_for_reply.cancel()
        if self.flooded or kind == "stream":
            return None
        return super().process_message(msg, cell, cell_index)

    async def _async_poll_kernel_alive(self) -> None:
        """Give up waiting for a reply when the kernel has died or its time is over."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                given_up = await self._lost()
            except Exception as failure:
                self.failure, given_up = failure, True
            if given_up:
                self.task_poll_for_reply.cancel()
                return

    async def _lost(self) -> bool:
        """Return whether no reply will come any more, and keep why."""
        self.late = self._clock is not None and self._clock.left_s() <= 0
        if self.late or not self._warden.alive():
            return True
        if any(monitor.get(zmq.EVENTS) & zmq.POLLIN for monitor in self._monitors):
            await asyncio.sleep(DYING_S)  # a process that ends cuts its connections first
            self.cut = self._warden.alive()
            return True
        return False

    def run_source(self, source: str, clock: Clock) -> list[Any]:
        """Run a cell and return its outputs.

        Raises:
            CellExecutionError: It stops with an error.
            Exception: Whatever a client makes of messages that are none.
        """
        self._clock, self._left = clock, self._budget
        self.kc.session.left = MESSAGES
        self.nb.cells = [new_code_cell(source)]
        try:
            # Not testbook's own, which turns every error into one of its own.
            NotebookClient.execute_cell(self, self.nb.cells[0], 0)
        finally:
            if self.failure is not None:
                # In place of the cancelled wait, which came of it and says less.
                raise self.failure
        return list(self.nb.cells[0].outputs)


class _KernelSession(RunnerSession):
    """A notebook kernel."""

    def __init__(self, warden: Warden, client: _Client, limits: Limits, *, alone: bool) -> None:
        super().__init__(warden, alone=alone)
        self._client = client
        self._limits = limits

    def prepare(self) -> None:
        """Make the kernel answer what would wait for a person, and limit its memory.

        Raises:
            EngineFailure: The kernel does not answer; no line of a submission has run yet.
        """
        limits = self._limits
        source = _PREPARE.format(budget=limits.output_bytes, memory_bytes=limits.memory_bytes)
        try:
            self._client.run_source(source, self.clock(START_S))
        except Exception as failure:
            reason = f"{type(failure).__name__}: {failure}"
            raise EngineFailure(f"no kernel starts in the sandbox ({reason})") from None

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        try:
            self._outputs(source, within_s)
        except CellExecutionError as error:
            return replies.clean_error(str(error.ename), str(error.evalue)[:500])
        return None

    def call(self, call: Call, within_s: float) -> list[CallAnswer]:
        nonce = secrets.token_hex(8)
        payload = json.dumps({"nonce": nonce, **call.request(self._limits.call_s)})
        try:
            outputs = self._outputs(_CALL.format(payload=payload), within_s)
            reply = replies.parse(_last_json(outputs), nonce)
            return call.answers(reply, self._limits.call_s)
        except (CellExecutionError, BadReply):
            self.die("protocol")

    def _outputs(self, source: str, within_s: float) -> list[Any]:
        try:
            return self._client.run_source(source, self.clock(within_s))
        except (CellExecutionError, EngineFailure, Crowded):
            raise
        except DeadKernelError:
            if self._client.flooded:
                self.die("output")
            self.die("timeout" if self._client.late else "protocol" if self._client.cut else None)
        except Exception:  # whatever a client makes of messages that are none
            self.die("protocol")


def _last_json(outputs: list[Any]) -> bytes:
    """Return the last JSON output, as it would come over a wire.

    Raises:
        BadReply: There is no output of JSON, or one that is too long.
    """
    found = [
        output.data["application/json"]
        for output in outputs
        if "application/json" in output.get("data", {})
    ]
    if not found:
        raise BadReply("no answer")
    try:
        line = json.dumps(found[-1]).encode()
    except (ValueError, RecursionError):
        raise BadReply("no JSON") from None
    if len(line) > MAX_BYTES:
        raise BadReply(f"more than {MAX_BYTES} bytes")
    return line
