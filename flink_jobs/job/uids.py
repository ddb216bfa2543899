"""Names of operators that stay when the job changes: a savepoint finds an operator by its name.

Left to itself Flink names an operator by its place in the whole graph. One more INSERT moves the
places of others, and then no savepoint fits. Here an operator's name is its owner, which is a topic
or a sink, and its kind: `transactions/OverAggregate`, `fraud_sink/GlobalWindowAggregate`. What two
sinks share belongs to the first, so a new feature set stands last in the catalog.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyflink.datastream import DataStream, StreamExecutionEnvironment

_KIND: Final = re.compile(r"\w+")
"""The kind in a name such as `Calc[12]`; the number counts the operators that Java has made."""


def name_operators(env: StreamExecutionEnvironment, streams: Mapping[str, DataStream]) -> None:
    """Name every operator of an environment that holds the whole job.

    Args:
        env: The environment of the job.
        streams: Streams by the owner of what leads to them and to none of the streams before. All
            other operators belong to the sink that they lead to.
    """
    ends = [(owner, stream._j_data_stream.getTransformation()) for owner, stream in streams.items()]
    sinks = env._j_stream_execution_environment.getTransformations()
    names: Counter[str] = Counter()
    for owner, end in (*ends, *((_kind(sink), sink) for sink in sinks)):
        for operator in _upstream(end, set()):
            if operator.getUid() is None:
                name = f"{owner}/{_kind(operator)}"
                names[name] += 1
                operator.setUid(name if names[name] == 1 else f"{name}/{names[name]}")


def _kind(operator: Any) -> str:  # noqa: ANN401 - Java's Transformation
    found = _KIND.search(operator.getName())
    return found[0] if found else "operator"


def _upstream(operator: Any, seen: set[int]) -> Iterator[Any]:  # noqa: ANN401
    """Yield what leads to an operator, from the sources on, and at last the operator itself."""
    if operator.getId() in seen:
        return
    seen.add(operator.getId())
    for before in operator.getInputs():
        yield from _upstream(before, seen)
    yield operator
