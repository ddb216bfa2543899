"""What each level of isolation promises, and what it does not: one table for report and guide.

Both engines run what they are given in processes of the same zygote, so a promise is the same for
both. Each is tried: by an attempt of the self-test before every run, or by a row of the hostile
table in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from studykit.grading.box.confine import FOLDER_BYTES, FOLDER_INODES, OPEN_FILES, SCRATCH
from studykit.grading.box.zygote import ALL_PROCESSES, LOOK_EVERY_S, PROCESSES
from studykit.grading.sandbox.isolation import Level
from studykit.grading.sandbox.limits import Limits

LEVELS: Final[tuple[Level, ...]] = ("L4", "L3", "L2", "L0")

_MIB: Final = 2**20
_MEMORY: Final = Limits().memory_bytes // _MIB


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, how far each level keeps it, and what tries to break it."""

    text: str
    kept: tuple[str, str, str, str]
    """For each of `LEVELS`: `yes`, `no`, or what holds in its place."""
    tried_by: tuple[str, ...]
    """Names of attempts of the self-test, and of rows of the hostile table."""


PROMISES: Final = (
    Promise(
        "reads only the system, Python, and the course without its answers",
        ("yes", "yes", "yes", "no"),
        (
            "read a file of the instructor",
            "read the answers of an exercise",
            "read the answers where the course is installed",
            "read the grader",
            "see the environment of the instructor",
        ),
    ),
    Promise(
        "learns nothing of the host's folders, not even whether a guessed name is there",
        ("yes", "yes", "no", "no"),
        ("see what is mounted", "ask the system what is mounted"),
    ),
    Promise(
        f"writes to {len(SCRATCH)} folders of its own, {FOLDER_BYTES // _MIB} MiB and "
        f"{FOLDER_INODES:,} files each, and to nothing else",
        ("yes", "yes", "it writes nothing", "no"),
        (
            "change a file of the instructor",
            "write to the course",
            "write to Python",
            "write to the root folder",
            "write to the devices",
            "fill a folder with more files than it may",
            "fill a folder with more bytes than it may",
        ),
    ),
    Promise(
        "has devices, folders and memory that no other submission had before",
        ("yes", "yes", "yes", "no"),
        ("remove a device", "find what an earlier one left", "finds-a-file"),
    ),
    Promise(
        "reaches no network and no socket of the host",
        ("yes", "yes", "yes", "no"),
        (
            "reach a server by TCP",
            "reach a network by UDP",
            "reach a server by its file",
            "open a socket to the host",
        ),
    ),
    Promise(
        "sees, signals and changes no process but its own",
        ("yes", "yes", "yes", "no"),
        ("signal the grader", "set limits of the grader", "see other processes", "trace a process"),
    ),
    Promise(
        "has no privilege and gets none",
        ("yes, and a user of its own", "yes", "yes", "no"),
        ("make a namespace", "mount a folder", "become root"),
    ),
    Promise(
        f"adds at most {_MEMORY} MiB to a process, and {ALL_PROCESSES * _MEMORY} MiB to all of "
        f"them together (looked at every {LOOK_EVERY_S:g} s)",
        ("yes", "yes", "yes", "yes"),
        ("take all memory", "memory-in-a-call", "memory-by-children"),
    ),
    Promise(
        "has no memory that no process is counted for: unnamed files, segments, shared mappings",
        ("yes", "yes", "yes", "yes"),
        (
            "keep memory in a file that has no name",
            "keep memory in a shared segment",
            "keep memory in a shared mapping",
            "memory-in-shared-mappings",
        ),
    ),
    Promise(
        f"has {PROCESSES} processes with {OPEN_FILES} open files each, so that what is sent and "
        f"not read takes {PROCESSES * OPEN_FILES * 208 // 1024} MiB more at most",
        ("yes", "yes", "one submission at a time, or as root", "no"),
        ("fork-bomb", "thread-bomb", "memory-in-sockets"),
    ),
    Promise(
        "has the time that it may use a processor, whoever is beside it",
        ("yes", "yes", "yes", "yes"),
        ("endless-loop-in-a-call", "sleeps"),
    ),
    Promise(
        "leaves no process behind",
        ("yes", "yes", "yes", "yes"),
        ("leaves-a-daemon", "fork-bomb"),
    ),
    Promise(
        "is graded by either engine",
        ("yes", "yes", "fork engine only", "yes"),
        ("displays-and-clears",),
    ),
)


def markdown() -> str:
    """Return the table as it stands in the guide."""
    lines = [f"| a submission … | {' | '.join(LEVELS)} |", f"|---{'|---' * len(LEVELS)}|"]
    lines += [f"| {promise.text} | {' | '.join(promise.kept)} |" for promise in PROMISES]
    return "\n".join(lines)
