import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.services.flink.jars import Jar, JarCache, read_lock, sha256

CONTENT = b"a jar " * 100_000


class Repository(ThreadingHTTPServer):
    """A Maven repository on the loopback interface that serves some jars whole, some not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut_at: int | None = None
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.server.requests.append(name)
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut_at])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, repository) -> JarCache:
    return JarCache(tmp_path / "jars", repository.address)


def publish(repository: Repository, name: str, content: bytes = CONTENT) -> Jar:
    """Put a jar into the repository and return what a lock would say of it."""
    repository.files[f"{name}-1.0.jar"] = content
    return Jar(f"org.example:{name}:1.0", len(content), hashlib.sha256(content).hexdigest())


def files(cache: JarCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir() if path.name != "download.lock")


def test_a_jar_is_downloaded_once(cache, repository):
    jar = publish(repository, "one")
    arrived = []
    assert cache.ensure([jar], arrived.append) == [cache.path(jar)]
    assert cache.path(jar).read_bytes() == CONTENT
    assert sum(arrived) == jar.size
    asked = len(repository.requests)
    cache.ensure([jar])
    assert len(repository.requests) == asked


def test_half_a_download_leaves_nothing(cache, repository):
    jar = publish(repository, "half")
    repository.cut_at = jar.size // 2
    with pytest.raises(StudyError, match=r"^cannot download org.example:half:1.0 \("):
        cache.ensure([jar])
    assert files(cache) == []
    repository.cut_at = None
    assert cache.ensure([jar])[0].read_bytes() == CONTENT


def test_what_arrived_whole_is_kept_when_another_fails(cache, repository):
    good = publish(repository, "good")
    absent = Jar("org.example:absent:1.0", 1, "0" * 64)
    with pytest.raises(StudyError, match=r"cannot download org\.example:absent:1\.0"):
        cache.ensure([good, absent])
    assert files(cache) == ["good-1.0.jar"]


def test_a_jar_with_another_checksum_is_refused(cache, repository):
    jar = publish(repository, "evil")
    repository.files["evil-1.0.jar"] = CONTENT.replace(b"j", b"k")
    with pytest.raises(StudyError, match="arrived with another checksum"):
        cache.ensure([jar])
    assert files(cache) == []


def test_a_killed_download_is_cleared_away_by_the_next(cache, repository):
    jar = publish(repository, "late")
    left_behind = cache.folder / "download-x" / "late-0" / "late-1.0.jar"
    left_behind.parent.mkdir(parents=True)
    left_behind.write_bytes(CONTENT[:10])
    cache.ensure([jar])
    assert files(cache) == ["late-1.0.jar"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of requests
def test_no_network_is_one_sentence(cache, repository):
    jar = publish(repository, "far")
    repository.shutdown()
    repository.server_close()
    with pytest.raises(StudyError, match="check the internet connection and try again"):
        cache.ensure([jar])


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT + b"x", CONTENT.replace(b"a", b"b", 1)])
def test_whoever_writes_to_a_jar_is_noticed_at_the_next_start(cache, repository, damage):
    jar = publish(repository, "touched")
    path = cache.ensure([jar])[0]
    path.write_bytes(damage)
    assert cache.missing([jar]) == [jar]
    cache.ensure([jar])
    assert path.read_bytes() == CONTENT


def test_a_disk_that_rots_is_noticed_by_reading(cache, repository):
    jar = publish(repository, "rotten")
    path = cache.ensure([jar])[0]
    path.write_bytes(CONTENT.replace(b"a", b"b", 1))
    os.utime(path, (jar.stamp, jar.stamp))
    assert cache.missing([jar]) == []
    assert cache.damaged([jar]) == [jar]


def test_two_programs_that_need_a_jar_download_it_once(cache, repository):
    jars = [publish(repository, f"shared{n}") for n in range(3)]
    threads = [threading.Thread(target=cache.ensure, args=(jars,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    downloads = [name for name in repository.requests if name.endswith(".jar")]
    assert sorted(downloads) == [jar.file_name for jar in jars]


def test_the_lock_names_each_file_once_and_has_the_connector_of_this_flink():
    groups = read_lock()
    for group in groups.values():
        names = [jar.file_name for jar in group.jars]
        assert len(names) == len(set(names))
    jars = {jar for group in groups.values() for jar in group.jars}
    assert len({jar.file_name for jar in jars}) == len(jars), "what two groups share is one jar"
    connector, *more = groups["flink"].jars
    assert connector.file_name == "flink-sql-connector-kafka-5.0.0-2.2.jar"
    parsers = ["jackson-annotations", "jackson-core", "jackson-databind", "jose4j"]
    # The parsers are for a login by token.
    assert [jar.coordinates.split(":")[1] for jar in more] == ["zstd-jni", *parsers]
    names = [jar.file_name for jar in groups["kafka"].jars]
    assert any(name.startswith("log4j-slf4j-impl") for name in names)


def test_doctor_finds_a_damaged_jar_and_the_next_fetch_repairs_it(tmp_path):
    locked = read_lock()["flink"].jars[0]
    real = JarCache.of_user()
    real.ensure([locked])
    mine = JarCache(tmp_path / "jars")
    mine.folder.mkdir()
    damaged = bytearray(real.path(locked).read_bytes())
    damaged[1_000] ^= 1
    mine.path(locked).write_bytes(damaged)
    os.utime(mine.path(locked), (locked.stamp, locked.stamp))
    environ = {**os.environ, "STUDY_CACHE": str(tmp_path), "STUDY_HOME": str(tmp_path / "home")}
    doctor = [Path(sys.executable).with_name("study"), "doctor"]
    said = subprocess.run(doctor, env=environ, capture_output=True, text=True, check=False).stdout
    assert (
        f"{locked.coordinates} was damaged and is removed: `study jars fetch` downloads it" in said
    )
    assert not mine.path(locked).exists()
    assert sha256(mine.ensure([locked])[0]) == locked.sha256
