"""The life of the production job; how it goes on a real Flink is in `test_on_kafka.py`."""

from __future__ import annotations

from concurrent.futures import Future
from unittest.mock import Mock

from flink_jobs.job.lifecycle import _is_unfit, _reason


def test_a_job_that_ends_while_flink_is_asked_is_told_by_its_result():
    """The cluster in the job's process ends with it; `test_poison.py` came upon it, by chance."""
    status: Future[None] = Future()
    status.set_exception(
        RuntimeError("MiniCluster is not yet running or has already been shut down")
    )
    client = Mock(get_job_status=lambda: status)
    assert not _is_unfit(Mock(), client)


def test_a_reason_is_the_last_cause_and_else_the_first_line():
    trace = "java.lang.Error: it broke\n\tat org.apache.flink.A.b(A.java:1)"
    assert _reason(trace, None) == "the job has failed: java.lang.Error: it broke"
    caused = f"{trace}\nCaused by: java.io.IOException: no room\n\tat C.d(C.java:2)"
    assert _reason(caused, None) == "the job has failed: java.io.IOException: no room"
