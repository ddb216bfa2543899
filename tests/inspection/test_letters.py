"""Dead letters: read, counted and sent back on a real broker, and never counted twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import KafkaUnusable
from flink_jobs.connectors.redis import read_features
from flink_jobs.connectors.topic_log import TopicLog
from flink_jobs.events import TRANSACTIONS
from flink_jobs.inspection.letters import Letter, Selection, read_letters
from flink_jobs.inspection.redelivery import (
    REPLAY_OF,
    _open_producer,
    decide,
    replay_of,
    send_back,
)
from flink_jobs.simulator.partitions import partition_of
from studykit.cli.inspection.letters import letters as show
from studykit.cli.inspection.letters import replay, selected
from studykit.errors import StudyError
from studykit.workspace import Workspace
from tests.support.services.shared import TestServices
from tests.support.waiting import eventually
from tests.support.worlds.output import Reference
from tests.support.worlds.processor import PARTITIONS, World

pytestmark = pytest.mark.services

CARD = b"card_of_the_test"
HOME = partition_of(CARD, PARTITIONS)


def unwatched(batches: Any, _: int) -> Any:
    return batches


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def payment(name: str, event_ms: int) -> bytes:
    event = {
        "event_id": name, "card_id": CARD.decode(), "merchant_id": "m", "amount_cents": 100,
        "country": "LU", "lat": 49.6, "lon": 6.1, "event_time": event_ms,
    }  # fmt: skip
    return msgspec.json.encode(event)


@pytest.fixture(scope="module")
def world(own_services: TestServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A processed log with letters of every reason, four of which can go back."""
    own_services.kafka.start()
    own_services.redis.start()
    world = World(own_services, tmp_path_factory.mktemp("letters"), {"MAX_FUTURE_SECONDS": "0"})
    world.seed(1_500, seed=6)
    due_ms = now_ms() + 2_000
    world.append(
        [
            (
                TRANSACTIONS,
                (HOME + 1) % PARTITIONS,
                b"somebody",
                payment("keyed wrongly", now_ms()),
            ),
            (TRANSACTIONS, HOME, CARD, payment("ahead of its time", due_ms)),
            (TRANSACTIONS, HOME, b"nobody", payment("for two", now_ms())),
            (TRANSACTIONS, HOME, b"nobody", payment("died", now_ms())),
        ]
    )
    foreign = next(row.redis_key for row in world.reference().output.rows)
    world.redis().set(foreign, "no hash")
    world.finish()
    world.redis().delete(foreign)
    yield world
    assert not any(run.is_alive() for run in world.runs)


def settings(world: World) -> Settings:
    return Settings.load(world.environment())


def ours(world: World, *reasons: str) -> list[Letter]:
    """Return the letters of the records that this test appended."""
    found = read_letters(settings(world), Selection(reasons=reasons), unwatched)
    return [letter for letter in found if CARD in (letter.original or b"")]


def replays(world: World) -> Counter[str]:
    log = TopicLog(settings(world), TRANSACTIONS)
    names = (replay_of(record) for batch in log.read() for record in batch)
    return Counter(name for name in names if name)


def accepted(reference: Reference) -> int:
    return sum(
        ledger.accepted for (topic, *_), ledger in reference.ledgers.items()
        if topic == TRANSACTIONS
    )  # fmt: skip


def asked(world: World, *reasons: str, send: bool) -> Counter[Any]:
    return replay(
        selected(reasons, None, None, None),
        workspace=Workspace(world.folder),
        send=send,
        console=Console(file=StringIO()),
        environ=world.environment(),
    )


def test_letters_are_counted_by_reason_topic_and_set(world: World, capsys):
    expected = Counter(
        (letter.reason, letter.topic, letter.feature_set or "")
        for letter in world.reference().output.letters
    )
    show(
        Selection(topics=(TRANSACTIONS, "clickstream"), since=0),
        workspace=Workspace(world.folder),
        last=3,
        as_json=True,
        console=Console(),
        environ=world.environment(),
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    firsts = {(place.topic, place.partition): first for place, first in world.firsts.items()}
    lines = [  # the topic also holds letters of earlier tests
        line for line in lines if line["offset"] >= firsts[line["topic"], line["partition"]]
    ]
    found = Counter((line["reason"], line["topic"], line["feature_set"] or "") for line in lines)
    assert found == expected
    assert found.keys() >= {("late", TRANSACTIONS, "fraud"), ("malformed", TRANSACTIONS, "")}


def test_two_programs_at_once_send_it_once(world: World) -> None:
    [letter] = [found for found in ours(world, "malformed") if b"for two" in found.original]

    def act(_: int) -> object:
        try:
            return send_back(settings(world), [letter], unwatched)
        except KafkaUnusable as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, range(2)))
    send_back(settings(world), [letter], unwatched)  # whoever was first, and if both gave way
    assert replays(world)[letter.identity.rstrip("/")] == 1


def test_what_a_program_that_died_had_sent_is_not_counted(world: World) -> None:
    [letter] = [found for found in ours(world, "malformed") if b"died" in found.original]
    place = letter.identity.rstrip("/")
    dying = _open_producer(settings(world))
    dying.init_transactions(30)
    dying.begin_transaction()
    dying.produce(TRANSACTIONS, letter.original, CARD, headers=[(REPLAY_OF, place.encode())])
    dying.flush(30)
    send_back(settings(world), [letter], unwatched)
    assert replays(world)[place] == 1


def test_what_may_go_back_goes_once(world: World) -> None:
    eventually(lambda: asked(world, "future_timestamp", send=False)["send"] == 1)
    before = accepted(world.reference())
    assert len(replays(world)) == 2, "a dry run sends nothing"
    fates = asked(world, "late", "partial_late", "malformed", "future_timestamp", send=True)
    assert (fates["send"], fates["sent_before"]) == (2, 2)
    assert min(fates["late_again"], fates["may_be_counted"], fates["still_malformed"]) > 0
    assert fates["still_ahead"] > 0
    again = asked(world, "malformed", "future_timestamp", send=True)
    assert (again["send"], again["sent_before"]) == (0, 4)
    assert set(replays(world).values()) == {1}
    assert accepted(world.reference()) == before + 2


def test_rows_that_were_not_stored_go_into_the_store(world: World) -> None:
    missing = world.redis().keys("features:*")
    letter = max(
        read_letters(settings(world), selected(["unstored"], None, None, None), unwatched),
        key=lambda found: found.written,
    )
    key = json.loads(letter.original)["key"]
    redis_key = f"features:{letter.feature_set}:{key}"
    assert redis_key.encode() not in missing
    for _ in range(2):
        assert asked(world, "unstored", send=True)["store"] > 0
        held = read_features(world.redis(), redis_key)
        assert held is not None
        assert held["window_end"] >= json.loads(letter.original)["window_end"]


def test_letters_of_another_topic_of_the_name_are_refused(world: World) -> None:
    letter = next(
        found
        for found in read_letters(settings(world), Selection(reasons=("malformed",)), unwatched)
        if found.topic == TRANSACTIONS and CARD not in (found.original or b"")
    )
    letter = msgspec.structs.replace(letter, original=payment("another", now_ms()))
    gone = msgspec.structs.replace(letter, offset=10**6, identity="y")
    cut = msgspec.structs.replace(letter, is_cut=True)
    fates = [decision.fate for decision in decide(settings(world), [letter, gone, cut], unwatched)]
    assert sorted(fates) == ["cannot_know", "is_cut", "other_record"]


def test_a_reason_that_is_none_is_told() -> None:
    with pytest.raises(StudyError, match="no letter has the reason 'broken': choose late, "):
        selected(["broken"], None, None, None)
