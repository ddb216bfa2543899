"""The small Flink of lesson 11, as far as it needs no Java."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from studykit.flink import in_process
from studykit.flink.in_process import say_nothing_of_hang_ups
from studykit.services.supervision import leash


@pytest.mark.parametrize(
    ("thread", "is_reported"),
    [("read_grpc_client_inputs", False), ("read_state", False), ("of-the-learner", True)],
)
def test_only_readers_that_flink_cuts_off_die_in_silence(monkeypatch, thread, is_reported):
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    say_nothing_of_hang_ups.__wrapped__()

    def die():
        raise RuntimeError

    dying = threading.Thread(target=die, name=thread)
    dying.start()
    dying.join()
    assert bool(reported) == is_reported


def test_what_flink_and_java_write_goes_with_the_process(monkeypatch):
    given = []
    monkeypatch.setattr(in_process, "prepare_flink", lambda _, *words: given.extend(words))
    monkeypatch.setattr(in_process, "get_gateway", lambda: None)
    monkeypatch.setattr(in_process, "table_environment", lambda *_: (None, None))
    flink = in_process.Flink()
    (scratch,) = [word.removeprefix("-Djava.io.tmpdir=") for word in given]
    assert str(Path(scratch).parent) == leash._HOLDERS[os.getpid()]
    assert flink.folder.parent == Path(scratch)


def test_after_an_interrupt_the_thread_of_the_next_call_gets_a_planner(monkeypatch):
    made = []
    monkeypatch.setattr(in_process.StreamTableEnvironment, "create", made.append)
    flink = object.__new__(in_process.Flink)
    flink.env = "env"
    with pytest.raises(in_process.Interruption), flink._interruptible():
        raise KeyboardInterrupt
    assert made == ["env"]
