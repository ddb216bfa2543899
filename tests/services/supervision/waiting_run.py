"""A test run to be killed: not collected with the others, run by `test_leash.py`."""

import time

from studykit.services.network.ports import free_port
from studykit.services.redis import Redis
from studykit.workspace import Workspace


def test_that_starts_a_store_and_waits() -> None:
    Redis(Workspace.of_clone(), free_port()).start()
    time.sleep(600)
