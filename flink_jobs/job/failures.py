"""Why a job has failed, in words, from what Java says: its stack traces.

Flink starts a failed job again, which mends whatever passes by itself. A failure that would come
again and again is known by its words here: the job ends with a sentence then, as the development
processor does.
"""

from __future__ import annotations

import re
from typing import Final

NO_ANSWER: Final = "Number of retries has been exhausted"
"""Words of Flink's error where a cluster cannot be reached."""

_UNFIT: Final = (
    "the checkpoint or savepoint does not fit this job, whose statements or types have changed "
    "since: go back to those, or compute anew beside it, as docs/evolution.md says"
)
_OVERTAKEN: Final = (
    "the log has lost records before the job read them: it was created anew, or its retention is "
    "shorter than the job was away; choose another --state to start from what is left"
)
_FORBIDDEN: Final = (
    "the broker does not allow it: give this user the rights to read the event topics, to write "
    "the others, and to use the group and the transactions whose names begin with it"
)
_LOGGED_OUT: Final = (
    "the broker refuses the login: mend user, password, token or certificate in "
    "KAFKA_PROPERTIES_FILE, and start again"
)
_CORRUPT: Final = (
    "{}/{}, offset {}: the record batch is corrupt: restore the partition from a replica, or move "
    "the group past the batch and choose another --state; its records are then missing"
)

_SENTENCES: Final = {
    # Operators have lost their state, or what an operator keeps has another type.
    "Failed to rollback to checkpoint/savepoint": _UNFIT,
    "StateMigrationException": _UNFIT,
    "OffsetOutOfRangeException": _OVERTAKEN,
    "NoOffsetForPartitionException": _OVERTAKEN,
    "LogTruncationException": _OVERTAKEN,
    "AuthorizationException": _FORBIDDEN,
    "SaslAuthenticationException": _LOGGED_OUT,
    "SslAuthenticationException": _LOGGED_OUT,
}
"""Our sentence for an error of Java, by a word of the error."""

_FORESEEN: Final = re.compile(r"\bflink_jobs\.[\w.]+\.\w+Unusable: (.+)")
"""An error of our own functions that is already a sentence: the store or the broker refuses."""
_BATCH: Final = re.compile(r"Record batch for partition (\S+)-(\d+) at offset (\d+) is invalid")


def hopeless(trace: str) -> str | None:
    """Return the sentence for a failure that no restart mends; None for any other.

    >>> hopeless("flink_jobs.connectors.redis_errors.StoreUnusable: Redis is a cluster")
    'Redis is a cluster'
    """
    if found := _FORESEEN.search(trace):
        return found[1].strip()
    if found := _BATCH.search(trace):
        return _CORRUPT.format(*found.groups())
    return next((sentence for sign, sentence in _SENTENCES.items() if sign in trace), None)


def reason(error: str, cluster: str | None) -> str:
    """Return why a job has ended, from the text of Java's error.

    Args:
        error: The text, a stack trace.
        cluster: Host and port of the cluster that ran the job; None for this process.
    """
    if cluster is not None and NO_ANSWER in error:
        return (
            f"the cluster at {cluster} no longer answers, and its jobs are gone with it: start it "
            "with `make up FLINK=1` and this job again, which goes on from its newest checkpoint"
        )
    causes = re.findall(r"Caused by: (.*)", error) or error.strip().splitlines()[:1] or ["no cause"]
    return hopeless(error) or f"the job has failed: {causes[-1]}"
