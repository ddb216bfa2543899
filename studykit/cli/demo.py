"""`study demo`: a minute of live traffic, and what the processor makes of it.

The demo starts a broker, a store and a processor of its own, in a workspace that is removed at the
end. The learner's topics and keys are neither read nor written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.live import Live

from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.disorder import Disorder
from studykit.cli.demo_view import DemoView
from studykit.errors import StudyError
from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis
from studykit.services.seed import Seeding, seed_kafka
from studykit.services.supervision.leash import hold_leash
from studykit.workspace import Workspace

RATE = 40
CARDS = 400
FRAMES_PER_SECOND = 4
SETTINGS = {
    # Windows small enough for a minute: the first row appears after ten seconds.
    "WINDOW_SIZE_MINUTES": "1",
    "WINDOW_SLIDE_SECONDS": "5",
    "MAX_OUT_OF_ORDERNESS_SECONDS": "5",
    "CHECKPOINT_INTERVAL_MS": "2000",
}
DISORDER = Disorder(
    median_delay_ms=300,
    longest_delay_ms=4_500,
    offline_share=0.004,
    shortest_offline_ms=7_000,
    longest_offline_ms=15_000,
    malformed_share=0.004,
    wrong_unit_share=0.002,
    future_share=0.002,
)


def demo(workspace: Workspace, console: Console, seconds: int = 60) -> None:
    """Show the system at work for `seconds`, then stop and remove all that the demo started.

    Ctrl-C ends the demo early, and removes as much.

    Raises:
        StudyError: A service cannot be started, or the processor ended by itself.
    """
    hold_leash()
    home = Workspace(workspace.home / "demo")
    with workspace.locked():
        shutil.rmtree(home.home, ignore_errors=True)
        with _services(home, console) as (kafka, store):
            metrics_port = free_port()
            with (
                _processor(home, kafka, store, metrics_port) as processor,
                _traffic(kafka.address, seconds),
            ):
                view = DemoView(kafka.address, store.port, metrics_port)
                _watch(view, processor, home, console, seconds)


def _watch(
    view: DemoView,
    processor: subprocess.Popen[bytes],
    home: Workspace,
    console: Console,
    seconds: int,
) -> None:
    end = time.monotonic() + seconds
    try:
        with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while (left := end - time.monotonic()) > 0:
                if processor.poll() is not None:
                    raise StudyError(
                        f"the processor ended by itself; its log {_log(home)} says why"
                    )
                live.update(view.frame(left), refresh=True)
                time.sleep(1 / FRAMES_PER_SECOND)
        console.print(view.frame(0.0))
    except KeyboardInterrupt:
        console.print("stopped early")
    finally:
        view.close()


@contextmanager
def _traffic(servers: str, seconds: int) -> Iterator[None]:
    """Send live traffic in a thread; records that were sent before the end are delivered."""
    seeding = Seeding(events=RATE * seconds, rate=RATE, cards=CARDS, users=CARDS, disorder=DISORDER)
    ended = threading.Event()

    def until_ended(arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        return takewhile(lambda _: not ended.is_set(), arrivals)

    thread = threading.Thread(
        target=seed_kafka, args=(seeding, servers, until_ended), name="traffic"
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _services(home: Workspace, console: Console) -> Iterator[tuple[Kafka, Redis]]:
    kafka, store = Kafka(home, free_port()), Redis(home, free_port())
    try:
        with (
            console.status("starting a Kafka and a Redis of the demo's own"),
            ThreadPoolExecutor(2) as pool,
        ):
            for started in [pool.submit(kafka.start), pool.submit(store.start)]:
                started.result()
        yield kafka, store
    finally:
        store.stop()
        kafka.stop()
        shutil.rmtree(home.home, ignore_errors=True)


@contextmanager
def _processor(
    home: Workspace, kafka: Kafka, store: Redis, metrics_port: int
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        **SETTINGS,
        "KAFKA_SERVERS": kafka.address,
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(store.port),
        "METRICS_PORT": str(metrics_port),
    }
    with _log(home).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flink_jobs.stream_processor"], env=environment, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _log(home: Workspace) -> Path:
    return home.logs / "processor.log"
