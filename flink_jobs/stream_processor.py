"""The entry point of the development processor.

    python flink_jobs/stream_processor.py --kafka-servers localhost:9092
    python flink_jobs/stream_processor.py --replay events.jsonl --out results

Every setting is a flag, or an environment variable of the same name in capitals.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import redis
from kafka.errors import KafkaError

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.kafka import (
    ForeignCommit,
    KafkaUnusable,
    Outbox,
    check_topics,
    open_consumer,
)
from flink_jobs.connectors.log_file import LogFileError
from flink_jobs.connectors.redis import FeatureStore, open_client
from flink_jobs.connectors.result_files import ResultFileError
from flink_jobs.features.catalog import CATALOG
from flink_jobs.garbage import collect_rarely
from flink_jobs.monitoring import Health, Metrics, serve, start_logging
from flink_jobs.patience import Unavailable
from flink_jobs.processor import CALL_MS, Processor
from flink_jobs.replay import replay_file

_FORESEEN = (
    SettingsError,
    LogFileError,
    ResultFileError,
    KafkaUnusable,
    Unavailable,
    ForeignCommit,
)
"""What a person can put right. Each says in one sentence how."""


def main(arguments: list[str] | None = None) -> int:
    """Run the processor; return its exit status."""
    options = _parser().parse_args(arguments)
    collect_rarely()
    flags = {setting.name: getattr(options, setting.name) for setting in fields(Settings)}
    try:
        settings = Settings.load(os.environ, **flags)
        if options.replay is not None:
            _replay(options.replay, options.out, settings)
        else:
            _run(settings, until_caught_up=options.until_caught_up)
    except _FORESEEN as error:
        print(f"stream_processor: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stream_processor", description="Compute features from Kafka into Redis."
    )
    for setting in fields(Settings):
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            metavar=str(setting.default),
            help=f"or {setting.name.upper()} (default: {setting.default})",
        )
    parser.add_argument(
        "--until-caught-up", action="store_true", help="end when all that is there is processed"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="process a log file instead")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("replay"),
        help="where a replay writes features.jsonl and dead-letter.jsonl (default: replay)",
    )
    return parser


def _replay(log: Path, out: Path, settings: Settings) -> None:
    ledgers = replay_file(log, out, settings)
    for (topic, partition, name), ledger in sorted(ledgers.items()):
        print(
            f"{topic}/{partition} {name}: {ledger.consumed} consumed = {ledger.accepted} accepted "
            f"+ {ledger.late} late + {ledger.malformed} malformed + {ledger.future} future; "
            f"{ledger.partial_late} of the accepted missed a window"
        )


def _run(settings: Settings, *, until_caught_up: bool) -> None:
    log = start_logging()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    check_topics(settings)
    metrics, health = Metrics(), Health()
    with ExitStack() as opened:
        store = FeatureStore(
            opened.enter_context(_open_redis(settings)),
            {one.name: one.ttl_ms(settings) for one in CATALOG},
        )
        opened.callback(serve(settings.metrics_port, metrics, health))
        try:
            outbox = Outbox(settings)
            opened.callback(outbox.close)
            consumer = open_consumer(settings)
            opened.callback(consumer.close, autocommit=False, timeout_ms=CALL_MS)
            log.info("started", extra={"context": {"group": settings.kafka_group}})
            processor = Processor(settings, consumer, outbox, store, metrics, health, stop)
            processor.run(until_caught_up=until_caught_up)
        except KafkaError as error:
            raise KafkaUnusable(f"the broker refused or went away: {error!r}") from error
    log.info("stopped")


def _open_redis(settings: Settings) -> redis.Redis:
    client = open_client(settings.redis_host, settings.redis_port)
    try:
        client.ping()
    except redis.RedisError as error:
        raise Unavailable(
            f"no Redis answers at {settings.redis_host}:{settings.redis_port} ({error}): start one "
            "with `make up`, or set REDIS_HOST and REDIS_PORT"
        ) from None
    return client


if __name__ == "__main__":
    sys.exit(main())
