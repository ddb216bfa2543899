"""What can be done to the production job, its services and its log, while events flow.

One part after the other dies as in a crash (kill -9), at a point that a seeded draw chooses, and is
started again at once, as a supervisor would. Once in a while the job is rescaled, a partition falls
silent and comes back, or the log itself is disturbed: odd records, other codecs, more partitions,
records deleted before they were read, a topic that is created anew. At the end the books tell
whether anything differs from what the log calls for.

    with Stage.open(seed=7) as stage:
        for kind in schedule(random.Random(7), rounds=21):
            seconds = stage.disturb(DISTURBANCES[kind])
        print(stage.finish().differences)
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

import psutil
from kafka import TopicPartition

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.monitoring.symptoms import Reading
from studykit.services.topics import create_topics
from tests.support.waiting import eventually
from tests.support.worlds.fuzz import CODECS, odd, send
from tests.support.worlds.processor import PARTITIONS
from tests.support.worlds.stage import Stage

UNREAD: Final = 4
"""How many records of each partition the job has not read, at least, when some are deleted."""


def kill_taskmanager(stage: Stage) -> None:
    """Kill the TaskManager: the JobManager goes on from the newest checkpoint on the next.

    Its Python workers can outlive it, for ever; a supervisor ends what a dead service leaves.
    """
    end_taskmanager(stage)
    stage.services.flink.taskmanager.start()


def end_taskmanager(stage: Stage) -> None:
    """Kill the TaskManager and its Python workers."""
    workers = python_workers(stage)
    stage.services.flink.taskmanager.kill()
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            worker.kill()


def kill_python_worker(stage: Stage) -> None:
    """Kill one of the processes in which the job's Python functions run."""
    stage.draw.choice(python_workers(stage)).kill()


def kill_jobmanager(stage: Stage) -> None:
    """Kill the JobManager, and submit the job again.

    Without high availability nobody else knows of the job: with its JobManager it is lost, and its
    client says so and ends. Its checkpoints are retained, and the newest is all that a new
    submission needs. The TaskManager outlives this; it drops what it was doing and reports to the
    new JobManager.
    """
    stage.services.flink.jobmanager.kill()
    sentence = stage.refusal()
    assert sentence.startswith(f"the cluster at {stage.services.flink.address} no longer answers")
    assert "start it with `make up FLINK=1` and this job again" in sentence
    stage.services.flink.jobmanager.start()
    stage.start_job()


def kill_broker(stage: Stage) -> None:
    """Kill the broker, with transactions open, and start it again."""
    stage.services.kafka.kill()
    stage.services.kafka.start()


def kill_store(stage: Stage) -> None:
    """Kill the store, and start it again after up to five seconds."""
    stage.services.redis.kill()
    time.sleep(stage.draw.uniform(0, 5))
    stage.services.redis.start()


def let_a_partition_lag(stage: Stage) -> None:
    """Hold a partition back until an event of another misses a window that it has yet to reach.

    The windows' watermark is the minimum over all partitions: that window is still open, and must
    not take in the event all the same.
    """
    with stage.flow.holding_back(stage.draw.randrange(PARTITIONS)) as held_ms:
        stage.wait(lambda: stage.tail.has_missed_past(held_ms))


def send_poison(stage: Stage) -> None:
    """Append what is no event to every topic, in each codec, between events that are.

    Some of it would be an event, of a time to come, if its key were its own.
    """
    for codec in CODECS:
        records = [(topic, b"nobody", value, 0) for topic in SOURCE_TOPICS for value in odd()]
        send(stage.services.kafka.address, codec, records)
        stage.world.sent.append(len(records))


def change_codecs(stage: Stage) -> None:
    """Let the producers pack their records with each codec in turn, in an order that is drawn."""
    for codec in stage.draw.sample(CODECS, len(CODECS)):
        stage.flow.pause()
        stage.flow.codec = None if codec == "none" else codec
        before_ms = stage.flow.latest_ms
        stage.flow.go_on()
        stage.wait_past(before_ms)


def add_partitions(stage: Stage) -> None:
    """Give each topic one more partition, to which some keys move.

    The job finds a partition while it is empty, and the first event there is as new as any. (Events
    that wait in a partition before the job has found it are judged by Flink's watermark, as those
    of an idle partition that wakes: that exception is no disturbance.)
    """
    numbers = {topic: stage.world.partitions_of(topic) for topic in SOURCE_TOPICS}
    with stage.world.admin() as admin:
        admin.create_partitions({topic: number + 1 for topic, number in numbers.items()})
    added = {f"{topic}/{number}" for topic, number in numbers.items()}
    stage.wait(lambda: added <= Reading.of(0.0, stage.page()).read.keys())
    stage.flow.pause()
    stage.flow.send_events(numbers.items(), "first", stage.flow.latest_ms)
    stage.world.partitions |= {topic: number + 1 for topic, number in numbers.items()}
    stage.flow.go_on()


def delete_unread(stage: Stage) -> None:
    """Let retention delete records that the job has not read: stopped, or without a TaskManager.

    A job that runs ends with a sentence; a start from its state is refused, and says how many are
    gone. A start without state reads what is left.
    """
    era = stage.close_era()
    runs = stage.draw.random() < 0.5
    if runs:
        end_taskmanager(stage)
    else:
        stage.stop_job()
    firsts = {
        place: read + (end - read) // 2 for place, (read, end) in pile_up(stage, UNREAD).items()
    }
    with stage.world.admin() as admin:
        admin.delete_records(firsts)
    if runs:
        stage.services.flink.taskmanager.start()
        assert "the log has lost records before the job read them" in stage.refusal()
    stage.start_job()
    said = re.match(r"(\d+) records were deleted before the job read them", stage.refusal())
    assert said is not None
    stage.books.lost += int(said[1])
    stage.begin_era(era, firsts)


def recreate_topic(stage: Stage) -> None:
    """Delete a topic and create it anew, while the job runs or is stopped.

    Where the job is stopped, what it has not read of the topic is gone, and nobody can tell how
    much that was. Of the other topic nothing is lost.
    """
    era = stage.close_era()
    topic = stage.draw.choice(SOURCE_TOPICS)
    runs = stage.draw.random() < 0.5
    firsts = stage.world.ends(SOURCE_TOPICS)
    if not runs:
        stage.stop_job()
        unread = pile_up(stage, UNREAD)
        stage.books.lost += sum(
            end - read for place, (read, end) in unread.items() if place.topic == topic
        )
    recreate(stage, topic)
    if not runs:
        stage.start_job()
    sentence = stage.refusal()
    assert f"created anew while the job was reading them ({topic})" in sentence or (
        not runs and f"created anew since ({topic})" in sentence
    )
    anew = {TopicPartition(topic, number): 0 for number in range(PARTITIONS)}
    kept = {place: first for place, first in firsts.items() if place.topic != topic}
    stage.begin_era(era, {**kept, **anew})


def recreate(stage: Stage, topic: str) -> None:
    """Delete a topic and create it anew, with as many partitions as a topic has at first."""
    with stage.world.admin() as admin:
        admin.delete_topics([topic])
    stage.world.partitions.pop(topic, None)

    def created() -> bool:
        create_topics(stage.services.kafka.address, [topic])
        with stage.world.admin() as admin:
            (found,) = admin.describe_topics([topic])
        return len(found["partitions"]) == PARTITIONS

    eventually(created)  # a deletion takes a moment


def pile_up(stage: Stage, least: int) -> dict[TopicPartition, tuple[int, int]]:
    """Send records that nobody reads; return of each partition where they begin and end."""
    begins = stage.world.ends(SOURCE_TOPICS)

    def enough() -> bool:
        ends = stage.world.ends(SOURCE_TOPICS)
        return all(ends[place] - begins[place] >= least for place in begins)

    stage.flow.go_on()
    eventually(enough, poll_seconds=0.5)
    stage.flow.pause()
    ends = stage.world.ends(SOURCE_TOPICS)
    return {place: (begins[place], ends[place]) for place in begins}


def python_workers(stage: Stage) -> list[psutil.Process]:
    """Return the processes in which the job's Python functions run."""
    running = stage.services.flink.taskmanager.running()
    assert running is not None
    children = psutil.Process(running.pid).children(recursive=True)
    return [child for child in children if "beam_boot" in " ".join(child.cmdline())]


RESCALE: Final = "savepoint and rescale"
LAG: Final = "let a partition lag"
OF_LOG: Final[Mapping[str, Callable[[Stage], None]]] = {
    "send poison, in each codec": send_poison,
    "pack records with each codec": change_codecs,
    "add partitions": add_partitions,
    "delete unread records": delete_unread,
    "create a topic anew": recreate_topic,
}
DISTURBANCES: Final[Mapping[str, Callable[[Stage], None]]] = {
    "kill TaskManager": kill_taskmanager,
    "kill Python worker": kill_python_worker,
    "kill JobManager": kill_jobmanager,
    "kill broker": kill_broker,
    "kill store": kill_store,
    LAG: let_a_partition_lag,
    **OF_LOG,
    RESCALE: Stage.rescale,
}


def schedule(draw: random.Random, rounds: int) -> Iterator[str]:
    """Yield `rounds` disturbances, in turns: all others in an order that is drawn, then a rescale.

    So all others are met at either parallelism.
    """
    others = [kind for kind in DISTURBANCES if kind != RESCALE]
    for number in range(rounds):
        place = number % len(DISTURBANCES)
        if place == 0:
            draw.shuffle(others)
        yield others[place] if place < len(others) else RESCALE
