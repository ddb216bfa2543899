"""A machine with a proxy: Flink's Java and Python must not look for each other behind it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.services.shared import INHERITED

pytestmark = [pytest.mark.jvm, pytest.mark.slow]

JOB = """
from pyflink.common import Types
from studykit.flink.in_process import Flink, at
flink = Flink()
print(flink.run(flink.stream([at(1, 7)], 0).map(lambda event: event[2], Types.LONG())))
"""


@pytest.fixture
def silent_proxy() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def test_a_job_runs_where_everything_is_to_go_through_a_proxy_that_does_not_answer(silent_proxy):
    environ = {**INHERITED, "http_proxy": silent_proxy, "https_proxy": silent_proxy}
    environ.pop("no_grpc_proxy", None)
    done = subprocess.run(
        [sys.executable, "-c", JOB],
        env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("[7]\n"), done.stderr[-2_000:]
