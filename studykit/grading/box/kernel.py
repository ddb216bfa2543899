"""A notebook kernel inside the sandbox, for the reference engine: one for each session.

Its sockets were made outside, in a folder that nobody inside can see, and are handed to it. So
there is no folder that both sides can write to, and no file of a socket that could be exchanged.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from studykit.grading.box import confine
from studykit.grading.box.shell import count, count_displays, tame

CHANNELS: Final = ("shell", "stdin", "control", "iopub")
"""The order in which sockets are handed over; their ports are 1, 2, ... in this order."""


_LOADED_LATE: Final = (
    "IPython.core.completerlib",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "tornado.gen",
    "tornado.platform.asyncio",
    "tornado.queues",
    "unicodedata",
)
"""Modules that a kernel imports only when it starts."""


def preload() -> None:
    """Import what a kernel needs, so that each one is forked with it."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # half of a kernel's start
    from ipykernel.kernelapp import IPKernelApp  # noqa: F401, PLC0415 - without debugpy

    for name in _LOADED_LATE:
        with suppress(ImportError):
            importlib.import_module(name)


def serve(sockets: Sequence[int], key: str, statm: int) -> None:
    """Be a kernel that listens on `sockets` and signs its messages with `key`.

    `statm` is a handle of `confine.open_statm`, for `prepare`.
    """
    app = _app(dict(enumerate(sockets, 1)), key)
    app.statm = statm
    shutil.rmtree(app.ipython_dir, ignore_errors=True)  # nothing of ours is where answers look
    app.start()


def prepare(shell: Any, budget: int, memory_bytes: int) -> None:  # noqa: ANN401
    """Make this kernel as quiet as the other engine's shell, and limit its memory.

    Memory is limited here, where the kernel's threads have what they need, and not before.
    """
    tame(shell)
    count(budget)
    count_displays(shell)
    confine.limit_memory(memory_bytes, shell.kernel.parent.statm)
    os.close(shell.kernel.parent.statm)


def _app(sockets: dict[int, int], key: str) -> Any:  # noqa: ANN401 - one class in it
    import zmq  # noqa: PLC0415 - it is loaded with the kernel
    from ipykernel.iostream import IOPubThread  # noqa: PLC0415
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415

    class App(IPKernelApp):
        """A kernel that is connected already and leaves nothing on a disk."""

        def init_connection_file(self) -> None:
            self.transport, self.ip = "ipc", "given"
            for port, channel in enumerate(CHANNELS, 1):
                setattr(self, f"{channel}_port", port)
            self.session.key = key.encode()

        def _try_bind_socket(self, s: Any, port: int) -> int:  # noqa: ANN401
            s.setsockopt(zmq.USE_FD, sockets[port])
            return int(super()._try_bind_socket(s, port))  # type: ignore[no-untyped-call]

        def init_iopub(self, context: Any) -> None:  # noqa: ANN401
            """Publish without a door for forked processes, which would be a TCP server."""
            self.iopub_socket = context.socket(zmq.XPUB)
            self.iopub_socket.linger = 0
            self.iopub_port = self._bind_socket(  # type: ignore[no-untyped-call]
                self.iopub_socket, self.iopub_port
            )
            self.iopub_thread = IOPubThread(  # type: ignore[no-untyped-call]
                self.iopub_socket, pipe=False, session=self.session
            )
            self.iopub_thread.start()
            self.iopub_socket = self.iopub_thread.background_socket

        def init_heartbeat(self) -> None:
            """Have none: the zygote says whether this process lives."""

        def write_connection_file(self, **_: Any) -> None:  # noqa: ANN401
            """Write nothing."""

        def log_connection_info(self) -> None:
            """Say nothing."""

    app = App.instance()
    app.initialize(
        [
            "--HistoryManager.enabled=False",
            "--Kernel.stop_on_error_timeout=0",
            "--IPKernelApp.capture_fd_output=False",
        ]
    )
    return app
