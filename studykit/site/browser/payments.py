"""`studykit.trace.payments` for a browser: the simulator's payments as the site was built with.

The simulator draws with numpy, which no browser has here. Lessons ask for two streams.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.trace.steps import Event

QUIET: Final = "QUIET"
SLOW: Final = "SLOW"
_RECORDED: Final = Path(__file__).with_name("payments.json")


def seeded(count: int, *, disorder: str = QUIET) -> tuple[Event, ...]:
    """Return the first payments of a stream, whose times begin at 0 s.

    Args:
        count: How many payments; as many as were recorded at most.
        disorder: `QUIET` or `SLOW`.

    Raises:
        StudyError: More payments are asked for than were recorded.
    """
    rows = json.loads(_RECORDED.read_text("utf-8"))[disorder]
    if count > len(rows):
        raise StudyError(
            f"{count} payments are more than the {len(rows)} that the site has: take fewer, or run "
            "the installed lab, whose simulator makes any number"
        )
    return tuple(
        Event(event_ms, at, key=key, value=value) for event_ms, at, key, value in rows[:count]
    )
