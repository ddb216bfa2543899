"""The entry point of the development processor.

    python flink_jobs/stream_processor.py --kafka-servers localhost:9092
    python flink_jobs/stream_processor.py --replay events.jsonl --out results

Every setting is a flag, or an environment variable of the same name in capitals.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from kafka.errors import KafkaError

from flink_jobs import entry
from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.kafka import (
    KafkaUnusable,
    check_topics,
    open_consumer,
)
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore, open_answering
from flink_jobs.connectors.topics import Topics
from flink_jobs.features.catalog import CATALOG
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.logs import start_logging
from flink_jobs.monitoring.server import serve
from flink_jobs.monitoring.symptoms import Lookout
from flink_jobs.processor.garbage import collect_rarely
from flink_jobs.processor.loop import Processor
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.patience import CALL_MS
from flink_jobs.processor.replay import replay_file
from flink_jobs.processor.workers import Workers, answer

JOB: Final = "stream_processor"
STORE_TIMEOUT_S: Final = 1.0
"""How long Redis may take for an answer before it counts as away and is asked again, seconds."""
CLOSE_MS: Final = 500
"""How long leaving the group may take, milliseconds: no broker that is away may delay a stop."""


def main(arguments: list[str] | None = None) -> int:
    """Run the processor; return the exit status: 0 for a stop, 1 for a foreseeable mistake."""
    parser = entry.flags(JOB, "Compute features from Kafka into Redis.")
    parser.add_argument(
        "--until-caught-up", action="store_true", help="end when all that is there is processed"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that share the partitions, with one metrics page (default: 1)",
    )
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    collect_rarely()
    words = sys.argv[1:] if arguments is None else arguments

    def work(options: argparse.Namespace, settings: Settings) -> None:
        if options.replay is not None:
            _replay(options.replay, options.out, settings)
        elif options.workers != 1:
            _run_workers(settings, options.workers, words)
        else:
            _run(settings, until_caught_up=options.until_caught_up, lifeline=options.lifeline)

    return entry.run(parser, arguments, work)


def _replay(log: Path, out: Path, settings: Settings) -> None:
    ledgers = replay_file(log, out, settings)
    for (topic, partition, name), ledger in sorted(ledgers.items()):
        print(
            f"{topic}/{partition} {name}: {ledger.consumed} consumed = {ledger.accepted} accepted "
            f"+ {ledger.late} late + {ledger.malformed} malformed + {ledger.future} future; "
            f"{ledger.partial_late} of the accepted missed a window"
        )


def _run_workers(settings: Settings, count: int, words: list[str]) -> None:
    """Run `count` members of the group as processes, each with the flags `words`."""
    if count < 1:
        raise SettingsError(f"--workers {count}: choose at least 1")
    log = start_logging(JOB)
    stop = threading.Event()
    # Until the consumer is open, a signal ends the process at once: no record has been read.
    _on_signals(lambda *_: sys.exit("stream_processor: stopped before it began"))
    check_topics(settings)
    _check_count(settings, count)
    own = ["--workers", "1", "--metrics-port", "0", "--lifeline"]
    workers = Workers([sys.executable, __file__, *words, *own], count, stop, JOB)
    _on_signals(lambda *_: stop.set())
    with ExitStack() as opened:
        opened.callback(serve(settings.metrics_port, workers.page, workers.health))
        workers.run()
    log.info("stopped")


def _check_count(settings: Settings, count: int) -> None:
    """Make sure that there is a partition for every worker."""
    with closing(Topics(settings, 5 * CALL_MS)) as topics:
        most = sum(state.partitions for state in topics.states().values())
    if count > most:
        raise SettingsError(f"--workers {count}: choose at most {most}, the number of partitions")


def _run(settings: Settings, *, until_caught_up: bool, lifeline: int | None) -> None:
    log = start_logging(JOB)
    stop = threading.Event()
    _on_signals(lambda *_: sys.exit("stream_processor: stopped before it began"))
    metrics, lookout = Metrics(), Lookout(JOB)
    health = Health(JOB, lookout.troubles)
    metrics.show(health)
    if lifeline is not None:
        answer(lifeline, metrics.page, health, stop)
    check_topics(settings)
    with ExitStack() as opened:
        store = FeatureStore(
            opened.enter_context(open_answering(settings, STORE_TIMEOUT_S)),
            {feature_set.name: feature_set.ttl_ms(settings) for feature_set in CATALOG},
            Names(settings.features_prefix),
        )
        opened.callback(serve(settings.metrics_port, metrics.page, health))
        try:
            outbox = Outbox(settings)
            opened.callback(outbox.close)
            consumer = open_consumer(settings)
            # No autocommit: the position is ahead of what the open windows need.
            opened.callback(consumer.close, autocommit=False, timeout_ms=CLOSE_MS)
            _on_signals(lambda *_: stop.set())
            log.info("started", extra={"context": {"group": settings.kafka_group}})
            topics = Topics(settings, CALL_MS)
            opened.callback(topics.close)
            processor = Processor(
                settings, consumer, topics, outbox, store, metrics, health, stop, lookout
            )
            processor.run(until_caught_up=until_caught_up)
        except KafkaError as error:
            raise KafkaUnusable(f"the broker refused or went away: {error!r}") from error
    log.info("stopped")


def _on_signals(handle: Callable[..., object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


if __name__ == "__main__":
    sys.exit(main())
