"""The reference engine under attack from its own kernel: the submission's fault, never ours."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from studykit.grading.example.maker import as_bytes
from tests.support.grading.hostile import RIGHT
from tests.support.grading.submissions import all_pass, graded, put, solved, verdicts

KERNEL = "kernel = get_ipython().kernel\n"
ATTACKS = {
    "signs-with-another-key": KERNEL + "kernel.session.key = b'another'\n" + RIGHT,
    "packs-no-messages": KERNEL + "kernel.session.pack = lambda message: b'[]'\n" + RIGHT,
    "packs-no-json": KERNEL + "kernel.session.pack = lambda message: b'{'\n" + RIGHT,
}


def test_a_kernel_that_does_not_keep_to_its_protocol_is_the_submission_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        tmp_path / "in",
        {
            f"{name}/lab.ipynb": as_bytes(solved({"to_ms": source}))
            for name, source in ATTACKS.items()
        },
    )
    with TemporaryDirectory(prefix="s-") as room:  # short: sockets are named below it
        monkeypatch.setattr(tempfile, "tempdir", room)
        book = graded(tmp_path / "in", tmp_path / "out", engine="testbook")
        assert os.listdir(room) == []
    assert {name: verdicts(book[name]) for name in ATTACKS} == dict.fromkeys(
        ATTACKS, all_pass(e2="protocol")
    )
