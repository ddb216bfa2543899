"""Downloads of the site that fail: one sentence with the remedy, and the same call works later.

npm and pip are real; the index alone is small and on the loopback interface.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.services.network.ports import free_port
from studykit.site import python, wheels
from tests.support.package_index import PackageIndex, npm_package, serving, wheel

TRIES = {"PIP_RETRIES": "0", "npm_config_fetch_retries": "0"}
GOES_ON = "; then the same command goes on from here"


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serving(wheel("tiny", padding=100_000), npm_package("tiny", padding=100_000)) as index:
        yield index


@pytest.fixture
def reach(index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let npm and pip look for their packages at an address."""
    for name, value in TRIES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")

    def at(address: str) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        monkeypatch.setenv("npm_config_registry", f"{address}/npm/")

    at(index.root)
    return at


@pytest.fixture
def from_npm(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Download the package that a lock names, as Pyodide is."""
    digest = hashlib.sha512(index.files["tiny-1.0.0.tgz"]).digest()
    needs, name = {"dependencies": {"tiny": "1.0.0"}}, {"name": "site", "version": "1.0.0"}
    locked = {"version": "1.0.0", "integrity": f"sha512-{base64.b64encode(digest).decode()}"}
    packages = {"": {**name, **needs}, "node_modules/tiny": locked}
    lock = {**name, "lockfileVersion": 3, "requires": True, "packages": packages}
    here = tmp_path / "here"
    here.mkdir()
    (here / "package.json").write_text(json.dumps({**name, **needs}))
    (here / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    return lambda: python.npm_package("tiny", tmp_path / "cache", here) / "index.js"


@pytest.fixture
def from_pip(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Download the wheel that a lock names, as those for WebAssembly are."""
    name = "tiny-1.0-py3-none-any.whl"
    digest = hashlib.sha256(index.files[name]).hexdigest()
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setattr(wheels, "LOCK", lock)
    folder = tmp_path / "wheels"
    folder.mkdir()
    return lambda: wheels._downloaded(folder, "tiny", ["--platform", "any"]).path


@pytest.mark.parametrize("program", ["from_npm", "from_pip"])
@pytest.mark.parametrize(
    ("manner", "remedy"),
    [
        ("half", "the download broke off: try again"),
        ("refusing", "the index refuses it: ask whoever runs the index"),
        ("altered", "it is not the file that the lock names"),
        ("away", "the index cannot be reached: connect to the internet"),
    ],
)
def test_a_download_that_fails_is_a_sentence_and_works_afterwards(
    manner: str,
    remedy: str,
    program: str,
    index: PackageIndex,
    reach: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    download = request.getfixturevalue(program)
    if manner == "away":
        reach(f"http://127.0.0.1:{free_port()}")
    else:
        index.manner = manner
    with pytest.raises(StudyError, match=remedy) as failure:
        download()
    assert str(failure.value).endswith(GOES_ON)
    assert "\n" not in str(failure.value)
    index.manner = "whole"
    reach(index.root)
    assert download().is_file()


@pytest.mark.parametrize("program", ["from_npm", "from_pip"])
def test_what_was_stopped_half_way_is_downloaded_again(
    program: str, reach: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    download = request.getfixturevalue(program)
    found = download()
    whole = found.read_bytes()
    found.write_bytes(whole[:1_000])
    for stamp in found.parents[2].glob("installed.lock"):  # npm's end was never reached
        stamp.unlink()
    assert download().read_bytes() == whole
    reach(f"http://127.0.0.1:{free_port()}")
    assert download().read_bytes() == whole  # and now nothing is asked


def test_a_site_without_its_packages_says_which_command_brings_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(StudyError, match=r"npm is not installed.*scripts/install\.sh --all"):
        python.npm_package("pyodide", tmp_path)
