"""Control groups: a real kernel with a delegated branch counts what no sum over processes sees."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from studykit.grading.sandbox import cgroup
from tests.support.grading.kernel import PROGRAM, boot

pytestmark = pytest.mark.skipif(
    shutil.which(PROGRAM) is None, reason="the kernel is Debian's user-mode-linux"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return boot("tests.support.grading.delegation", tmp_path_factory.mktemp("kernel"))


def test_ordinary_submission_lives(found: Any) -> None:
    assert found["ordinary"] == "lives"


def test_memory_in_sockets_is_counted_by_the_kernel_alone(found: Any) -> None:
    assert found["in sockets, not counted"] == "lives"
    assert found["in sockets"] == "mem"


def test_branch_is_given_back_as_it_was(found: Any) -> None:
    standing, controllers, below = found["within"]
    assert not standing
    assert controllers == ["memory"]
    assert below == ["study"]
    assert found["before"] == found["after"] == [True, [], []]


def test_branch_in_which_another_stands_is_left_alone(found: Any) -> None:
    assert found["beside another"] is None


@pytest.mark.parametrize(
    ("mounts", "own", "folder"),
    [
        ("1 2 0:1 / /sys/fs/cgroup rw - cgroup2 none rw", "0::/a/b", "/sys/fs/cgroup/a/b"),
        ("1 2 0:1 /a /groups rw shared:4 - cgroup2 none rw", "0::/a/b", "/groups/b"),
        ("1 2 0:1 /c /groups rw - cgroup2 none rw", "0::/a/b", None),
        ("1 2 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", "4:memory:/a", None),
    ],
    ids=["whole tree", "part of the tree", "another part", "version 1"],
)
def test_folder_of_ones_group(mounts: str, own: str, folder: str | None, tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(mounts + "\n", "utf-8")
    (tmp_path / "cgroup").write_text(own + "\n", "utf-8")
    expected = None if folder is None else Path(folder)
    assert cgroup._own_folder(tmp_path / "mountinfo", tmp_path / "cgroup") == expected
