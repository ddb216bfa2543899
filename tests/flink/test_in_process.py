"""The small Flink of lesson 11, as far as it needs no Java."""

from __future__ import annotations

import threading

import pytest

from studykit.flink.in_process import say_nothing_of_hang_ups


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
