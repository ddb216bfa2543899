"""The entry point of the production job: fraud and personalization features by Flink SQL.

    python flink_jobs/feature_job.py --kafka-servers localhost:9092 --state flink-state
    python flink_jobs/feature_job.py --replay events.jsonl --out results

Every setting is a flag, or an environment variable of its name in capitals. METRICS_PAGES, a list
with spaces, names the pages of Flink processes that serve their metrics themselves, as in
containers. The job itself is in `job/graph.py` and `sql/`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

if find_spec("pyflink") is None:
    sys.exit("feature_job: PyFlink is not installed: scripts/install.sh --flink adds it")

from flink_jobs import entry
from flink_jobs.config import Settings
from flink_jobs.connectors.redis import open_answering
from flink_jobs.connectors.topics import Topics
from flink_jobs.job.checkpoint import restored_watermarks
from flink_jobs.job.edges.files import FileEdges
from flink_jobs.job.edges.kafka import (
    TRANSACTION_TIMEOUT_MS,
    KafkaEdges,
    begin,
    check_broker,
    check_log,
    topic_ids,
)
from flink_jobs.job.functions import FIELDS
from flink_jobs.job.graph import Statements, build, check_settings, statement
from flink_jobs.job.lifecycle import run
from flink_jobs.job.metrics import reporter, serving
from flink_jobs.job.state import Identity, State, StateFolder, identity_of
from flink_jobs.job.topic_watch import TopicWatch
from flink_jobs.monitoring.logs import start_logging
from flink_jobs.runtime.cluster import check_cluster, check_connector
from flink_jobs.runtime.environment import configuration_of, table_environment

NAME: Final = "features"
"""The job's name, by which the entry point finds out that a cluster runs the job already."""
LOOK_MS: Final = 1_000
"""How long the broker may take to tell what the topics are, while the job runs, milliseconds."""

log = logging.getLogger(NAME)


def main(arguments: list[str] | None = None, statements: Statements = statement) -> int:
    """Run the job that `statements` make; return the exit status."""
    return entry.run(_parser(), arguments, partial(_work, statements))


def _work(statements: Statements, options: argparse.Namespace, settings: Settings) -> None:
    if options.replay is not None:
        replay_file(options.replay, options.out, settings, options.parallelism, statements)
    else:
        edges = KafkaEdges(settings, bounded=options.bounded, idle_s=options.idle_seconds)
        state = State() if options.managed else StateFolder(options.state, options.origin)
        run_on_kafka(edges, state, options.parallelism, options.cluster, statements)


def replay_file(
    log: Path,
    out: Path,
    settings: Settings,
    parallelism: int = 1,
    statements: Statements = statement,
) -> None:
    """Replay a log file into `features.jsonl` and `dead-letter.jsonl` in the folder `out`.

    A log file is a bounded stream: at its end every open window fires. The files are equal, byte
    for byte, to those of the development processor.

    Raises:
        LogFileError: The log cannot be read.
        ResultFileError: The results cannot be written.
        SettingsError: The production job cannot do what the settings ask for.
        NoJava: There is no Java that Flink runs on.
    """
    check_settings(settings)
    with tempfile.TemporaryDirectory(prefix="feature-job-") as folder:
        edges = FileEdges(Path(folder), settings)
        edges.split(log)
        env, table_env = table_environment(parallelism)
        build(env, table_env, settings, edges, statements)
        env.execute_async(NAME).get_job_execution_result().result()
        edges.collect(out)


def run_on_kafka(
    edges: KafkaEdges,
    state: State,
    parallelism: int = 1,
    cluster: str | None = None,
    statements: Statements = statement,
) -> None:
    """Run from Kafka into Redis and Kafka, going on from `state`, until a signal stops the job.

    All that can be refused is looked at first: a start of Flink takes half a minute.

    Args:
        edges: The broker and the store.
        state: The place of checkpoints.
        parallelism: How many instances of each operator there are.
        cluster: Host and port of the cluster that runs the job; None runs it in this process.
        statements: What the job is made of, as `build` takes it.

    Raises:
        SettingsError: The production job cannot do what the settings ask for, or the metrics port
            is taken.
        NoJava: There is no Java that Flink runs on.
        FlinkUnusable: The Kafka connector is missing, or the cluster cannot take the job.
        KafkaUnusable: The broker is away, or does not fit the job.
        ServiceAway: Redis is away.
        JobUnusable: The state belongs to another job, the job has failed for good, its topics are
            others, or its cluster is gone.
    """
    check_settings(edges.settings)
    check_connector(os.environ)
    if cluster is not None:
        check_cluster(cluster, parallelism, NAME)
    # A reader without a partition holds the watermark back; in a bounded run it ends at once.
    check_broker(edges.settings, readers=1 if edges.bounded else parallelism)
    # Only the workers write to Redis, and there its absence would be a job that restarts for ever.
    open_answering(edges.settings).close()
    options = {"pipeline.name": NAME, **state.options(edges.settings)}
    pages = os.environ.get("METRICS_PAGES", "").split()
    if not pages:  # Flink processes that serve their own metrics need not push them
        options |= reporter(edges.settings.metrics_port)
    if edges.bounded:  # somebody waits for the end of the run: a failure is told at once
        options["restart-strategy.type"] = "none"
    identity = _identity(edges.settings)
    state.claim(identity)
    if state.origin is not None:
        check_log(edges)  # after `claim`, which names a topic that was created anew as the cause
    start_logging(NAME)
    with (
        state.held(),
        serving(NAME, edges.settings.metrics_port, pages) as health,
        closing(Topics(edges.settings, LOOK_MS)) as topics,
    ):
        watch = TopicWatch(topics, health)
        env, table_env = table_environment(parallelism, options, cluster)
        # Only now is it known, in a cluster, what the job goes on from.
        state.claim_in(configuration_of(env), identity)
        _warn_of(state)
        if state.origin is None:
            begin(edges)
        restored_ms = {} if state.origin is None else restored_watermarks(state.origin)
        build(env, table_env, edges.settings, edges, statements, restored_ms)
        run(env, NAME, state, cluster, watch.look)


def _identity(settings: Settings) -> Identity:
    fields = {topic: kind.__struct_fields__ for topic, kind in FIELDS.items()}
    return identity_of(settings, fields, topic_ids(settings))


def _warn_of(state: State) -> None:
    if state.new_sets:
        log.warning(
            "feature sets are new to this state: their windows that began before this start lack "
            "what came before it, and windows that begin now are whole",
            extra={"context": {"feature_sets": list(state.new_sets)}},
        )
    if state.away_s * 1_000 > TRANSACTION_TIMEOUT_MS:
        log.warning(
            "the job was away for longer than its transactions last, so rows that it wrote after "
            "its newest checkpoint may be missing in the topics, though not in Redis: compare "
            "them, or start with another --state",
            extra={"context": {"away_s": round(state.away_s)}},
        )


def _parser() -> argparse.ArgumentParser:
    parser = entry.flags("feature_job", "Compute features from Kafka into Redis with Flink.")
    parser.add_argument("--parallelism", type=int, default=1, metavar="1", help="(default: 1)")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        default=Path("flink-state"),
        help="where checkpoints are kept; the job goes on from the newest (default: flink-state)",
    )
    parser.add_argument(
        "--from",
        dest="origin",
        type=Path,
        metavar="DIR",
        help="the checkpoint or savepoint to go on from (default: the newest of --state)",
    )
    parser.add_argument(
        "--managed",
        action="store_true",
        help="leave it to the cluster's configuration where state is and what to go on from, as an "
        "operator for Kubernetes wants it",
    )
    parser.add_argument(
        "--cluster",
        metavar="HOST:PORT",
        help="the REST interface of a Flink cluster that runs the job (default: in this process)",
    )
    parser.add_argument(
        "--bounded",
        action="store_true",
        help="end at what the topics hold now, as a log file ends: every open window fires; the "
        "next run appends the same rows to the feature topics again: an end leaves no checkpoint",
    )
    parser.add_argument(
        "--idle-seconds",
        type=int,
        default=60,
        metavar="60",
        help="idle timeout of a silent partition, in seconds of wall-clock time; 0 disables it "
        "(default: 60)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
