"""Ports: nobody is given a port that another was given and has not used yet."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from studykit.errors import StudyError
from studykit.services.network import ports
from studykit.services.network.ports import free_port

UNCLAIMED = range(32_500, 32_700, 4)
"""Other tests claim ports below 32,000, and outgoing connections have those from 32,768 on."""

ASK = """
import random, sys
from studykit.services.network import ports
random.seed(0)
ports._BELOW_EPHEMERAL = range(int(sys.argv[1]), int(sys.argv[2]))
print(ports.free_port(), flush=True)
sys.stdin.read()
"""


def nobody_has(port: int) -> bool:
    if not (name := ports.claim(port)):
        return False
    with name:
        return not ports.is_taken(port)


@pytest.mark.skipif(sys.platform != "linux", reason="claims are names that only Linux has")
def test_processes_that_ask_at_once_are_given_different_ports() -> None:
    """As many ports as processes, and none of them listens yet: each gets the one that is left."""
    first = next(first for first in UNCLAIMED if all(map(nobody_has, range(first, first + 4))))
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(first), str(first + 4)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    given = [int(process.stdout.readline()) for process in asking if process.stdout]
    for process in asking:
        process.communicate()
    assert sorted(given) == list(range(first, first + 4))


def test_who_seeds_the_module_random_gets_no_port_of_another_who_does() -> None:
    given = []
    for _ in range(3):
        random.seed(0)
        given.append(free_port())
    assert len(set(given)) == 3


def test_no_port_is_one_sentence_and_no_endless_search(monkeypatch) -> None:
    """Also where nobody listens yet, and others have claimed them all."""
    port = UNCLAIMED[-1]
    monkeypatch.setattr(ports, "_BELOW_EPHEMERAL", range(port, port + 1))
    with ports.claim(port), pytest.raises(StudyError, match=f"no port of {port} to {port} is free"):
        free_port()


def test_a_process_may_ask_for_many_ports() -> None:
    before = len(ports._claims)
    assert len({free_port() for _ in range(100)}) > 90
    assert before <= len(ports._claims) <= 64
