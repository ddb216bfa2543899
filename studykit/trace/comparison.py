"""The same events under two or more policies, so that a reader sees all results at once.

>>> from studykit.trace.stories import STORY
>>> bounds = {"bound 4 s": Policy(bound_ms=4_000), "bound 8 s": Policy(bound_ms=8_000)}
>>> both = compare(STORY, bounds)
>>> [trace.counts()["dropped"] for trace in both.traces]
[2, 0]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace


class Comparison(Struct, frozen=True):
    """Runs of the engine over the same events: trace `n` was made under the policy `names[n]`."""

    names: tuple[str, ...]
    traces: tuple[Trace, ...]
    moments: tuple[int, ...]
    """The processing times, in milliseconds, at which anything happens in any of the runs.

    A comparison is stepped by moments, not by steps: one run may have more steps than another.
    """


def compare(events: Iterable[Event], policies: Mapping[str, Policy]) -> Comparison:
    """Run the same events under each policy.

    Args:
        events: The stream; `simulate` puts it into order of arrival.
        policies: The policies, each by the name that a picture gives it.

    Raises:
        PolicyError: There is no event.
    """
    given = tuple(events)  # an iterator would be empty for the second policy
    traces = tuple(simulate(given, policy) for policy in policies.values())
    moments = {step.now_ms for trace in traces for step in trace.steps}
    return Comparison(tuple(policies), traces, tuple(sorted(moments)))
