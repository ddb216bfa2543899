"""The life of the production job; how it goes on a real Flink is in `test_on_kafka.py`."""

from __future__ import annotations

from concurrent.futures import Future
from unittest.mock import Mock

import pytest

from flink_jobs.job.failures import hopeless, reason
from flink_jobs.job.lifecycle import _in_vain


def test_a_job_that_ends_while_flink_is_asked_is_told_by_its_result():
    """The cluster in the job's process ends with it; `test_poison.py` came upon it, by chance."""
    status: Future[None] = Future()
    status.set_exception(
        RuntimeError("MiniCluster is not yet running or has already been shut down")
    )
    client = Mock(get_job_status=lambda: status)
    assert _in_vain(Mock(), client) is None


def test_a_reason_is_the_last_cause_and_else_the_first_line():
    trace = "java.lang.Error: it broke\n\tat org.apache.flink.A.b(A.java:1)"
    assert reason(trace, None) == "the job has failed: java.lang.Error: it broke"
    caused = f"{trace}\nCaused by: java.io.IOException: no room\n\tat C.d(C.java:2)"
    assert reason(caused, None) == "the job has failed: java.io.IOException: no room"


@pytest.mark.parametrize(
    ("trace", "sentence"),
    [
        (
            "Traceback (most recent call last):\n"
            "flink_jobs.connectors.redis_errors.StoreUnusable: Redis demands a login\n\n\tat x",
            "Redis demands a login",
        ),
        (
            "Caused by: CorruptRecordException: Record batch for partition transactions-3 at "
            "offset 17 is invalid, cause: Record is corrupt (stored crc = 1)",
            "transactions/3, offset 17: the record batch is corrupt: restore",
        ),
        ("Caused by: a.b.TopicAuthorizationException: Not authorized", "the broker does not allow"),
        ("Caused by: a.b.SaslAuthenticationException: no", "the broker refuses the login"),
        ("Caused by: a.b.OffsetOutOfRangeException: no", "the log has lost records"),
        ("Caused by: a.b.StateMigrationException: no", "the checkpoint or savepoint does not fit"),
    ],
)
def test_a_failure_that_no_restart_mends_is_known_by_its_words(trace: str, sentence: str):
    assert hopeless(trace).startswith(sentence)
    assert reason(trace, "somewhere:1") == hopeless(trace)


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "flink_jobs.connectors.redis_errors.StoreAway: no Redis answers",
        "java.util.concurrent.TimeoutException: Heartbeat of TaskManager timed out",
    ],
)
def test_a_failure_that_passes_is_flink_s_to_mend(trace: str):
    assert hopeless(trace) is None
