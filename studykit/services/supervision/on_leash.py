"""Runs a command on a leash: `python -m studykit.services.supervision.on_leash COMMAND...`.

Whatever the command starts ends with it, with this process, or with the process that has started
this one, however that ends: `make` passes a signal on to no more than its own children, and a kill
-9 to nobody.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from studykit.services.supervision.leash import hold_leash

_LOOK_SECONDS = 0.5


def main(command: Sequence[str]) -> int:
    """Run the command to its end; return its exit status as a shell would say it.

    An interrupt is the command's: a terminal sends it to both, and the command may clean up.
    """
    starter = os.getppid()
    hold_leash(firm=True)
    running = subprocess.Popen(command)
    signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the command would inherit
    while os.getppid() == starter:
        try:
            status = running.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return status if status >= 0 else 128 - status
    return 128 + signal.SIGHUP


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
