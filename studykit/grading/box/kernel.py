"""A notebook kernel inside the sandbox, for the reference engine: one for each session."""

from __future__ import annotations

import json
import os
import sys

from studykit.grading.box import confine, seccomp
from studykit.grading.box.zygote import PROCESSES


def main() -> None:
    """Confine this process, then be the kernel of the connection file that is named.

    The second argument is JSON: `user` to become, or null, and `cpu_s`. Memory is limited only when
    the kernel's threads have what they need: `shell.prepare_kernel`.
    """
    connection, options = sys.argv[1], json.loads(sys.argv[2])
    os.environ.pop("JPY_PARENT_PID", None)  # a number from outside; the sandbox ends with us
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # half of a kernel's start
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - without debugpy

    confine.limit(processes=PROCESSES, cpu_s=options["cpu_s"], user=options["user"])
    confine.become(options["user"], (*seccomp.FAMILIES, seccomp.NETLINK))
    IPKernelApp.launch_instance(
        [
            *("-f", connection),
            "--HistoryManager.enabled=False",
            "--Kernel.stop_on_error_timeout=0",
            "--IPKernelApp.capture_fd_output=False",
        ]
    )


if __name__ == "__main__":
    main()
