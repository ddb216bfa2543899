"""`scripts/install.sh` on machines that lack something: a sentence with the remedy, then it works.

Each case is real: the script, uv, pip and what stands in their way. The package index alone is
small, and serves its files from the loopback interface.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from studykit.services.network.ports import free_port
from tests.support.package_index import PackageIndex, serving, source, wheel

CLONE = Path(__file__).parents[1]
WIDE = 3_000_000
GOES_ON = "; then the same command goes on from here"
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "clone"
version = "1.0"
dependencies = ["compiled", "tiny", "wide"]
[project.optional-dependencies]
services = []
build = []
flink = []
dev = []
"""
BACKEND = """
def build_editable(folder, config=None, metadata=None):
    name, content = {built!r}
    open(folder + "/" + name, "wb").write(content)
    return name
"""


@pytest.fixture(scope="module")
def files() -> list[tuple[str, bytes]]:
    return [source("compiled"), wheel("tiny"), wheel("wide", WIDE)]


@pytest.fixture
def index(files: list[tuple[str, bytes]]) -> Iterator[PackageIndex]:
    with serving(*files) as index:
        yield index


@dataclass
class Person:
    """Somebody with a clone, a home and the programs of `path`, who types the command."""

    clone: Path
    home: Path
    index: PackageIndex
    path: str = "/usr/bin:/bin"

    def types(
        self, *, inside: tuple[str, ...] = (), **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*inside, self.clone / "scripts" / "install.sh"],
            env=self.environ(**environ), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def environ(self, **environ: str) -> Mapping[str, str]:
        return {
            "PATH": self.path,
            "HOME": str(self.home),
            "UV_DEFAULT_INDEX": self.index.address,
            "UV_HTTP_RETRIES": "0",
            **environ,
        }

    @property
    def has_all(self) -> bool:
        """Whether the packages can be imported and the script has said that it is done."""
        python = self.clone / ".venv" / "bin" / "python"
        found = subprocess.run([python, "-c", "import tiny, wide, compiled, clone"], check=False)
        stamp = self.clone / ".venv" / ".installed"
        return found.returncode == 0 and stamp.read_text().strip() == str(self.clone.resolve())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, bytes]]) -> Path:
    """A clone whose environment has a Python and uv, and nothing else yet."""
    clone = tmp_path_factory.mktemp("fresh") / "clone"
    (clone / "scripts").mkdir(parents=True)
    shutil.copy(CLONE / "scripts" / "install.sh", clone / "scripts")
    (clone / "pyproject.toml").write_text(PYPROJECT)
    (clone / "backend.py").write_text(BACKEND.format(built=wheel("clone")))
    (clone / "requirements.lock").write_text(PackageIndex(dict(files)).lock)
    python = os.path.realpath(sys.executable)
    subprocess.run([python, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (clone / ".venv" / "bin" / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
    return clone


@pytest.fixture
def person(tmp_path: Path, fresh: Path, index: PackageIndex) -> Person:
    return settle(fresh, tmp_path / "clone", tmp_path / "home", index)


def settle(fresh: Path, clone: Path, home: Path, index: PackageIndex) -> Person:
    shutil.copytree(fresh, clone, symlinks=True)
    home.mkdir()
    return Person(clone, home, index)


def refused(done: subprocess.CompletedProcess[str], remedy: str) -> None:
    """Hold that the command failed and ended with one sentence that has the remedy."""
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, remedy in last) == (1, True), done.stderr
    assert last.endswith(GOES_ON)


def test_offline(person: Person) -> None:
    refused(
        person.types(UV_DEFAULT_INDEX=f"http://127.0.0.1:{free_port()}/simple"),
        "cannot be reached: connect to the internet",
    )
    assert person.types().returncode == 0
    assert person.has_all


def test_a_proxy_that_does_not_answer_is_named_without_its_password(person: Person) -> None:
    proxy = f"127.0.0.1:{free_port()}"
    done = person.types(HTTP_PROXY=f"http://anna:secret@{proxy}")
    refused(done, f"cannot be reached through the proxy {proxy}: mend or unset HTTPS_PROXY")
    assert "secret" not in done.stderr.splitlines()[-1]
    assert person.types().returncode == 0
    assert person.has_all


@pytest.mark.parametrize(
    ("manner", "remedy"),
    [
        ("half", "A download broke off: try again"),
        ("refusing", "refuses a file: ask whoever runs the index"),
        ("altered", "is not the one that requirements.lock names"),
    ],
)
def test_an_index_that_serves_badly(
    person: Person, index: PackageIndex, manner: str, remedy: str
) -> None:
    index.manner = manner
    refused(person.types(), remedy)
    index.manner = "whole"
    assert person.types().returncode == 0
    assert person.has_all


def test_no_compiler(person: Person, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "mkdir", "rm", "touch", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    refused(person.types(PATH=str(tools)), "install a C compiler")
    compiler = tools / "cc"
    compiler.write_text("#!/bin/sh\n")  # the package asks only whether it runs
    compiler.chmod(0o755)
    assert person.types(PATH=str(tools)).returncode == 0
    assert person.has_all


Sandbox = Callable[..., tuple[str, ...]]


@pytest.fixture
def sandbox() -> Sandbox:
    """Return words that run a command where some folders are other than they are here."""

    def words(*changes: str) -> tuple[str, ...]:
        return ("bwrap", "--dev-bind", "/", "/", *changes)

    return words


def test_a_full_disk(person: Person, tmp_path: Path, sandbox: Sandbox) -> None:
    """The disk is as small as the packages need, and half of it is taken at first."""
    disk, filler, script = tmp_path / "disk", tmp_path / "disk" / "filler", tmp_path / "both.sh"
    disk.mkdir()
    clone = disk / "clone"
    install = f"{clone}/scripts/install.sh"
    script.write_text(
        f"cp -a {person.clone} {disk}\nhead -c {WIDE} /dev/zero >{filler}\n"
        f"UV_CACHE_DIR={disk}/packages {install}\necho $? >&2\n"
        f"rm {filler}\n{install} && {clone}/.venv/bin/python -c 'import wide; print(1)'\n"
    )
    size = str(WIDE + WIDE // 2)
    done = subprocess.run(
        [*sandbox("--size", size, "--tmpfs", str(disk)), "sh", script],
        env=person.environ(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    sentence, status = done.stderr.splitlines()[-2:]
    assert (sentence.startswith("The disk is full: make room"), status) == (True, "1"), done.stderr
    assert done.stdout.endswith("1\n"), done.stderr


def test_a_clone_that_may_only_be_read(person: Person, sandbox: Sandbox) -> None:
    clone = str(person.clone)
    done = person.types(inside=sandbox("--ro-bind", clone, clone))
    assert done.returncode == 1
    assert done.stderr == (
        f"{clone} cannot be written to: clone into a folder of your own, then the same command\n"
    )
    assert person.types().returncode == 0


def test_a_home_that_may_only_be_read(person: Person, sandbox: Sandbox) -> None:
    """Servers have such homes: what is downloaded is kept in the clone."""
    home = str(person.home)
    done = person.types(inside=sandbox("--ro-bind", home, home))
    assert (done.returncode, done.stderr) == (0, "")
    assert person.has_all
    assert (person.clone / ".study" / "packages").is_dir()


def test_a_path_with_spaces_and_umlauts(tmp_path: Path, fresh: Path, index: PackageIndex) -> None:
    folder = tmp_path / "Übungen für Anna"
    person = settle(fresh, folder / "event-time lab", folder / "zu Hause", index)
    for _ in "once", "again":
        done = person.types()
        assert (done.returncode, done.stderr) == (0, "")
        assert person.has_all
