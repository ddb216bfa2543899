"""The watermark that the windows of a checkpoint or savepoint are restored with.

Flink's window operators keep their watermark in their state, and its sources do not. After a start,
until every partition has brought a record, `CURRENT_WATERMARK` is null or behind the windows'
watermark. A partition that was idle would then pass events as on time that the windows drop without
a trace. So the start reads the windows' watermark from the state, and each record is judged by that
watermark as well. For a partition that was not idle nothing changes: its own watermark is never
behind that of the windows.

A restart by Flink itself, as after the loss of a TaskManager, does not come here: the job then
judges by the watermark of its last start. With idle timeout 0 no partition is ever idle, and the
restored watermark decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pyflink.java_gateway import get_gateway

from flink_jobs.features.catalog import CATALOG

_WATERMARK: Final = "watermark"
"""The name of the state in which Flink's window operators keep their watermark."""

_SOURCES: Final = {f"{feature_set.name}_sink": feature_set.source for feature_set in CATALOG}
"""The topic of a feature set, by what the names of its operators begin with: see `uids.py`."""


def restored_watermarks(origin: Path) -> dict[str, int]:
    """Return by topic the watermark of its windows in a checkpoint or savepoint, epoch ms.

    The subtasks of an operator may differ; their minimum is returned, which is the watermark that
    no subtask is behind. A topic is missing where the state is not that of this job: Flink itself
    then says what does not fit. Java must be running in this process.
    """
    found: dict[str, int] = {}
    for operator in _each(_metadata(origin).getOperatorStates()):
        owner = operator.getOperatorUid().orElse("").partition("/")[0]
        if owner in _SOURCES and (marks := list(_watermarks(operator))):
            topic = _SOURCES[owner]
            # Windows that were new in the job may not have had a watermark yet.
            found[topic] = max(min(marks), found.get(topic, min(marks)))
    return found


def _metadata(origin: Path) -> Any:  # noqa: ANN401
    jvm = get_gateway().jvm
    stream = jvm.java.io.DataInputStream(jvm.java.io.FileInputStream(str(origin / "_metadata")))
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    checkpoints = jvm.org.apache.flink.runtime.checkpoint.Checkpoints
    try:
        return checkpoints.loadCheckpointMetadata(stream, loader, origin.as_uri())
    finally:
        stream.close()


def _watermarks(operator: Any) -> Any:  # noqa: ANN401
    """Yield the watermark of each subtask of a window operator."""
    jvm = get_gateway().jvm
    for subtask in _each(operator.getStates()):
        for handle in _each(subtask.getManagedOperatorState()):
            places = handle.getStateNameToPartitionOffsets()
            if not places.containsKey(_WATERMARK):
                continue
            stream = handle.openInputStream()
            for offset in places.get(_WATERMARK).getOffsets():
                stream.seek(offset)
                yield jvm.java.io.DataInputStream(stream).readLong()
            stream.close()


def _each(collection: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the members of a Java collection: py4j lets Python iterate over lists and sets only."""
    iterator = collection.iterator()
    while iterator.hasNext():
        yield iterator.next()
