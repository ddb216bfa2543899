"""`study why` on a real broker and store: what it says of values that a group has written."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition
from rich.console import Console

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import KafkaUnusable
from flink_jobs.connectors.topic_log import TopicLog
from flink_jobs.inspection.explanation import InquiryError
from flink_jobs.inspection.profile import profile_records
from studykit.cli.inspection.profile import profile
from studykit.cli.inspection.why import why
from studykit.services.network.ports import free_port
from studykit.workspace import Workspace
from tests.support.services.shared import TestServices
from tests.support.worlds.output import Reference
from tests.support.worlds.processor import World

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def world(own_services: TestServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A rough log that a group has processed, with other settings than the defaults."""
    own_services.kafka.start()
    own_services.redis.start()
    world = World(own_services, tmp_path_factory.mktemp("why"), {"ALLOWED_LATENESS_SECONDS": "60"})
    world.seed(3_000, seed=4)
    world.finish()
    yield world
    assert not any(run.is_alive() for run in world.runs)


@pytest.fixture(scope="module")
def reference(world: World) -> Reference:
    return world.reference()


def told(
    world: World, capsys: pytest.CaptureFixture[str], key: str, window_end: int | None = None
) -> dict[str, Any]:
    """Ask as a person would whose environment names the services and the group, and no window."""
    environ = world.environment()
    del environ["ALLOWED_LATENESS_SECONDS"]
    end = None if window_end is None else str(window_end)
    equal = why(
        key,
        end,
        workspace=Workspace(world.folder),
        log=None,
        as_json=True,
        console=Console(),
        environ=environ,
    )
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert equal is (found["equal"] is not False)
    return found


def test_what_redis_holds_is_what_the_log_says(world, capsys):
    keys = sorted(key.decode() for key in world.redis().keys("features:*"))
    for key in random.Random(1).sample(keys, 4):
        found = told(world, capsys, key)
        assert (found["equal"], found["stored_in"], found["differences"]) == (True, "redis", {})
        count = "tx_count" if key.startswith("features:fraud") else "events"
        assert len(found["explanation"]["counted"]) == found["stored"][count]
        [note] = found["notes"]
        assert "works with ALLOWED_LATENESS_SECONDS=60" in note


def test_an_older_window_is_compared_with_the_topic(world, reference, capsys):
    newest = {(row.feature_set, row.key): row for row in reference.output.rows}
    row = next(
        row
        for row in reference.output.rows
        if row.feature_set == "fraud" and row.window_end < newest["fraud", row.key].window_end
    )
    found = told(world, capsys, row.redis_key, row.window_end)
    assert (found["equal"], found["stored_in"]) == (True, "features-fraud")
    last = [r for r in reference.output.rows if (r.key, r.window_end) == (row.key, row.window_end)]
    assert found["explanation"]["features"] == json.loads(msgspec.json.encode(last[-1].features))


def test_a_value_that_was_changed_is_told_field_by_field(world, capsys):
    client = world.redis()
    key = next(iter(client.scan_iter("features:fraud:*"))).decode()
    before = client.hget(key, "tx_count")
    client.hset(key, "tx_count", 77)
    found = told(world, capsys, key)
    assert found["differences"] == {"tx_count": [77, int(before)]}
    console = Console(file=StringIO(), width=120)
    assert not why(
        key, None, workspace=Workspace(world.folder), log=None, as_json=False, console=console,
        environ=world.environment(),
    )  # fmt: skip
    text = console.file.getvalue()
    assert "Redis holds something else" in text
    assert "tx_count   77" in text
    client.hset(key, "tx_count", before)


def test_a_key_that_somebody_else_wrote_has_no_record(world, capsys):
    client = world.redis()
    client.hset("features:fraud:nobody", mapping={"window_end": 1, "revision": 0})
    with pytest.raises(InquiryError, match="has no record of it"):
        told(world, capsys, "features:fraud:nobody")
    client.delete("features:fraud:nobody")
    with pytest.raises(InquiryError, match="transactions has no record of 'nobody'"):
        told(world, capsys, "features:fraud:nobody")
    with pytest.raises(InquiryError, match="Redis has no hash of 'nobody': ask for one of"):
        told(world, capsys, "nobody")


def test_a_topic_s_profile_is_that_of_its_records(world, capsys):
    """The records are read back by another client; the environment names the broker."""

    def show(topic: str) -> None:
        profile(
            topic, "event_time", None, workspace=Workspace(world.folder), picture=None,
            as_json=True, console=Console(), environ=world.environment(),
        )  # fmt: skip

    show("transactions")
    found = json.loads(capsys.readouterr().out)
    records = world.read(["transactions"])
    expected = profile_records(records.values(), "event_time", None)
    assert found == json.loads(msgspec.json.encode(expected))
    assert found["records"] == sum(map(len, records.values())) > found["events"] > 0
    assert [part["partition"] for part in found["partitions"]] == [
        f"transactions/{number}" for number in range(4)
    ]
    with pytest.raises(KafkaUnusable, match="has no topic nothing"):
        show("nothing")


def test_services_that_are_away_are_told(world):
    def ask(**environ: str) -> str:
        console = Console(file=StringIO(), width=200)
        key = next(iter(world.redis().scan_iter("features:fraud:*"))).decode()
        why(
            key, None, workspace=Workspace(world.folder), log=None, as_json=False,
            console=console, environ={**world.environment(), **environ},
        )  # fmt: skip
        return console.file.getvalue()

    assert "the store cannot be asked: no Redis answers" in ask(REDIS_PORT=str(free_port()))
    with pytest.raises(KafkaUnusable, match="broker"):
        ask(KAFKA_SERVERS=f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaUnusable, match="has no topic nothing"):
        TopicLog(Settings.load(world.environment()), "nothing")


def test_records_that_retention_deleted_cannot_be_known(world, capsys):
    """The last test of this file: the log is shorter afterwards."""
    client = world.redis()
    key = next(
        key.decode()
        for key in client.scan_iter("features:fraud:*")
        if int(client.hget(key, "tx_count")) > 1
    )
    found = told(world, capsys, key)["explanation"]
    place = TopicPartition("transactions", found["partition"])
    with world.admin() as admin:
        admin.delete_records({place: found["counted"][0]["offset"] + 1})
    after = told(world, capsys, key)
    assert after["differences"]["tx_count"] == [len(found["counted"]), len(found["counted"]) - 1]
    assert "what came before it is deleted" in after["explanation"]["unknown"][0]
