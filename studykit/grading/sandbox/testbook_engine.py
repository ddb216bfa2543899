"""The reference engine: testbook's client, hardened, and a real notebook kernel in the sandbox.

It is slow and shares nothing with the quick engine but the sandbox and the judging; that both come
to the same results is what makes either credible.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any, Final, NoReturn

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import channel_socket_types
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from testbook.client import TestbookNotebookClient

from studykit.grading.box.shell import OUTPUT_STATUS
from studykit.grading.box.wire import MAX_BYTES
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.fork_engine import EngineFailure
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import BadReply, Trouble
from studykit.grading.sandbox.session import Answer, Call, Death

START_S: Final = 60.0
WAITING: Final = 16
"""As many messages of a kernel wait for us; the rest waits in the kernel."""

_PREPARE: Final = (
    "__import__('studykit.grading.box.shell', fromlist=['_'])"
    ".prepare_kernel(get_ipython(), {budget}, {memory_bytes})"
)
_CALL: Final = (
    "__import__('studykit.grading.box.runner', fromlist=['_'])"
    ".publish(get_ipython().user_ns, {payload!r})"
)


class TestbookEngine:
    """A kernel for each session."""

    __test__ = False

    def __init__(self, sandbox: Sandbox, slot: int, limits: Limits) -> None:
        """Run sessions of worker number `slot` in `sandbox`."""
        self.limits = limits
        self._sandbox = sandbox
        self._user = sandbox.user(slot)

    def close(self) -> None:
        """Do nothing: no session outlives itself."""

    @contextmanager
    def session(self) -> Iterator[_KernelSession]:
        """Open a fresh session.

        Raises:
            EngineFailure: No kernel starts.
        """
        folder = Path(tempfile.mkdtemp(prefix="study-"))
        if self._user is not None:
            os.chown(folder, self._user, self._user)
        manager = _Manager(self._sandbox, folder, self._user, self.limits)
        client = _Client(manager, self.limits)
        try:
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            env = self._sandbox.environment()
            with client.setup_kernel(env=env, cleanup_kc=True, **silent):
                session = _KernelSession(client, self.limits)
                session.prepare()
                try:
                    yield session
                finally:
                    client.kill()  # nothing in it is worth a farewell
        except (RuntimeError, TimeoutError) as failure:
            raise EngineFailure(f"no kernel starts in the sandbox ({failure})") from None
        finally:
            with suppress(Exception):
                client.kill()
            shutil.rmtree(folder, ignore_errors=True)


class _BoundedClient(AsyncKernelClient):  # type: ignore[misc]
    """A kernel client that takes no endless messages, and not endlessly many."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and can be heard; not, as elsewhere, until it is silent.

        Raises:
            RuntimeError: It ended, or did not answer within `timeout` seconds.
        """
        until = time.monotonic() + (START_S if timeout is None else timeout)
        while not await self._answers():
            if not await self._async_is_alive() or time.monotonic() > until:
                raise RuntimeError("it ended, or did not answer in time")

    async def _answers(self) -> bool:
        self.kernel_info()
        try:
            reply = await self.shell_channel.get_msg(timeout=1)
            await self.iopub_channel.get_msg(timeout=0.2)
        except Empty:
            return False
        return bool(reply["msg_type"] == "kernel_info_reply")

    def _create_connected_socket(self, channel: str, identity: bytes | None = None) -> Any:  # noqa: ANN401
        end = self.context.socket(channel_socket_types[channel])
        end.linger = 0
        end.setsockopt(zmq.MAXMSGSIZE, 2 * MAX_BYTES)
        end.setsockopt(zmq.RCVHWM, WAITING)
        end.setsockopt(zmq.RECONNECT_IVL, 20)  # ms: its file is not there yet
        if identity:
            end.identity = identity
        if self.curve_publickey is not None:
            end.curve_secretkey = self.curve_secretkey
            end.curve_publickey = self.curve_publickey
            end.curve_serverkey = self.curve_publickey
        end.connect(self._make_url(channel))
        return end


class _Manager(AsyncKernelManager):  # type: ignore[misc]
    """A kernel manager whose kernel starts in a sandbox and is reached through files."""

    def __init__(self, sandbox: Sandbox, folder: Path, user: int | None, limits: Limits) -> None:
        super().__init__(kernel_name="python3")
        self._sandbox, self._folder = sandbox, folder
        self._options = {"user": user, "cpu_s": limits.cpu_s}
        self.transport = "ipc"
        self.ip = f"{folder}/s"
        self.connection_file = f"{folder}/kernel.json"
        self.client_factory = _BoundedClient

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Return the command of the kernel; what it must read is there by now."""
        user = self._options["user"]
        if user is not None:
            os.chown(self.connection_file, user, user)
        arguments = [self.connection_file, json.dumps(self._options)]
        return self._sandbox.command("studykit.grading.box.kernel", arguments, self._folder)


class _Client(TestbookNotebookClient):  # type: ignore[misc]
    """Testbook's client, which gives up a kernel that prints without end."""

    def __init__(self, manager: _Manager, limits: Limits) -> None:
        super().__init__(
            new_notebook(),
            km=manager,
            timeout=limits.cell_s,
            startup_timeout=int(START_S),
            force_raise_errors=True,
            skip_cells_with_tag="\0never",
            store_widget_state=False,
        )
        self._budget = limits.output_bytes + MAX_BYTES
        self._left = self._budget

    @property
    def flooded(self) -> bool:
        """Whether the kernel was given up because of what it sent."""
        return self._left < 0

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:  # noqa: ANN401
        """Count what is printed, and drop what changes earlier outputs."""
        kind, content = msg["msg_type"], msg["content"]
        if kind.startswith("comm_") or kind in ("clear_output", "update_display_data"):
            return None
        self._left -= len(str(content))
        if self.flooded:
            self.kill()
        if self.flooded or kind == "stream":
            return None
        return super().process_message(msg, cell, cell_index)

    def kill(self) -> int | None:
        """End the sandbox and all that it started; return its status if it had ended by itself."""
        process = getattr(self.km.provisioner, "process", None)
        status = None if process is None else process.poll()
        if process is not None and status is None:
            process.kill()
            process.wait()
        return status

    def run_source(self, source: str, within_s: float) -> list[Any]:
        """Run a cell and return its outputs."""
        self.timeout = max(1, round(within_s))
        self._left = self._budget
        self.nb.cells = [new_code_cell(source)]
        NotebookClient.execute_cell(self, self.nb.cells[0], 0)
        return list(self.nb.cells[0].outputs)


class _KernelSession:
    """A notebook kernel."""

    def __init__(self, client: _Client, limits: Limits) -> None:
        self._client = client
        self._limits = limits

    def prepare(self) -> None:
        """Make the kernel answer what would wait for a person, and set the limits from here on."""
        limits = self._limits
        source = _PREPARE.format(budget=limits.output_bytes, memory_bytes=limits.memory_bytes)
        self._client.run_source(source, START_S)

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        try:
            self._outputs(source, within_s)
        except CellExecutionError as error:
            return replies.clean_error(str(error.ename), str(error.evalue)[:500])
        return None

    def call(self, call: Call, within_s: float) -> list[Answer]:
        nonce = secrets.token_hex(8)
        payload = json.dumps({"nonce": nonce, **call.request(self._limits.call_s)})
        try:
            outputs = self._outputs(_CALL.format(payload=payload), within_s)
            reply = replies.parse(_last_json(outputs), nonce)
            return call.answers(reply, self._limits.call_s)
        except CellExecutionError:
            self._die("crashed")
        except BadReply:
            self._die("protocol")

    def _outputs(self, source: str, within_s: float) -> list[Any]:
        try:
            outputs = self._client.run_source(source, within_s)
        except CellTimeoutError:
            self._die("timeout")
        except (DeadKernelError, RuntimeError):
            self._die("output" if self._client.flooded else "crashed")
        except CellExecutionError:
            raise
        except Exception:  # whatever a client makes of messages that are none
            self._die("protocol")
        return outputs

    def _die(self, trouble: Trouble) -> NoReturn:
        status = self._client.kill()
        raise Death("output" if status == OUTPUT_STATUS else trouble)


def _last_json(outputs: list[Any]) -> bytes:
    """Return the last JSON output, as it would come over a wire.

    Raises:
        BadReply: There is none, or it is too long.
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
