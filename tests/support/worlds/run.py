"""The development processor as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from studykit.services.network.ports import free_port

ENTRY_POINT = Path(__file__).parents[3] / "flink_jobs" / "stream_processor.py"


class Run:
    """A process of the development processor."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *flags: str) -> None:
        self.port = free_port()
        self.log = folder / f"processor-{uuid4().hex[:8]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ENTRY_POINT), *flags],
                env={**os.environ, **environment, "METRICS_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of the process's log; every line must be a JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page of the process; status 0 while it serves none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the samples of a metric, by the values of their labels in alphabetical order."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                if sample.name == name:
                    found[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
        return found

    def consumed(self) -> float:
        """Return how many records the process has processed, counted once for every feature set."""
        return sum(self.samples("features_consumed_total").values())

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to end (SIGTERM), and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def ended(self) -> int:
        """Wait until the process ends by itself, and return its exit status."""
        return self.process.wait(90)
