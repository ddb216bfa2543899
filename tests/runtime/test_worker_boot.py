"""The program that Flink calls to bring up a Python worker; every test of a job runs it, too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from flink_jobs.runtime.worker_boot import python_for_workers
from tests.support.services.shared import INHERITED

COMMAND = python_for_workers()
BOOT = [COMMAND, "-m", "pyflink.fn_execution.beam.beam_boot"]
POOL = "org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool"
PLACE = ["--id=3-1", "--provision_endpoint=localhost:1234"]


@contextmanager
def process_with_workers() -> Iterator[tuple[str, list[bytes]]]:
    """Stand where Flink's client waits to be asked for a worker; give the address and the asks."""
    asked: list[bytes] = []

    def start(request: bytes, _: object) -> Empty:
        asked.append(request)
        return Empty()  # an answer without an error, on the wire

    method = grpc.unary_unary_rpc_method_handler(start, response_serializer=Empty.SerializeToString)
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        port = server.add_insecure_port("127.0.0.1:0")
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(POOL, {"StartWorker": method})]
        )
        server.start()
        yield f"127.0.0.1:{port}", asked
        server.stop(None).wait()


def boot(address: str) -> str:
    """Boot a worker in loopback; return what Python tells of its imports."""
    environ = {**INHERITED, "PYTHON_LOOPBACK_SERVER_ADDRESS": address}
    environ["PYTHONPROFILEIMPORTTIME"] = "1"
    done = subprocess.run(
        [*BOOT, *PLACE], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stderr


def test_it_is_installed():
    assert sys.executable != COMMAND


def test_in_loopback_it_asks_for_the_worker_by_its_id_and_place():
    with process_with_workers() as (address, asked):
        boot(address)
    assert [b"3-1" in request and b"localhost:1234" in request for request in asked] == [True]


def test_in_loopback_it_loads_neither_beam_nor_pandas():
    with process_with_workers() as (address, _):
        loaded = boot(address)
    assert "beam_provision_api_pb2_grpc" in loaded  # Flink's own code has run
    assert "apache_beam.coders" not in loaded
    assert "pandas" not in loaded


@pytest.mark.slow
def test_elsewhere_a_worker_is_a_process_with_all_of_beam():
    environ = {**INHERITED, "FLINK_BOOT_TESTING": "1", "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(
        [*BOOT, "--id=3-1"], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "apache_beam.coders" in done.stderr
    assert "No provision endpoint" in done.stdout


def test_whatever_else_is_asked_of_python_is_python():
    words = [COMMAND, "-c", "import sys; print(sys.executable, sys.argv[1:])", "a b"]
    done = subprocess.run(
        words, env=INHERITED, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{sys.executable} ['a b']\n"
