"""A scene: the step of a stream that decides about a wrong answer, so that it can be shown.

Making one is cheap. What draws it, `studykit.checks.picture`, is loaded when a check has failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from studykit.trace.steps import Event, Policy

Json: TypeAlias = Any
MOST_SPANS: Final = 12

FigureName: TypeAlias = Literal["assigners", "bound_tradeoff", "watermark_stepper", "window_life"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A figure, the stream that it shows, and the moment.

    Attributes:
        figure: The figure that draws it, by its name in `from studykit import …`.
        events: The stream, in order of arrival.
        policy: What it meets.
        number: The event that decides, from 1.
        moment: Before that event arrives, when it is judged, or when the watermark has followed it.
        about: What the stream has that the learner's call does not have.
        right_watermarks: The watermark after each event; with it the picture shows no window.
        your_watermarks: The same as the learner's function gives it, drawn dashed.
        right_spans: The windows or sessions that are asked for; with them nothing else is shown.
        your_spans: Those that the learner's function gives, drawn dashed.
        right_values: A number after each event or report; with them nothing else is shown.
        your_values: The same as the learner's function gives it, drawn dashed.
        axis: What the axis of a picture of spans or values shows.
        marks: What stands above the spans, or below the values.
    """

    figure: FigureName
    events: tuple[Event, ...]
    policy: Policy
    number: int
    moment: Literal["before", "judged", "followed"] = "judged"
    about: str = ""
    right_watermarks: tuple[int | None, ...] = ()
    your_watermarks: tuple[int | None, ...] = ()
    right_spans: tuple[tuple[int, int], ...] = ()
    your_spans: tuple[tuple[int, int], ...] = ()
    right_values: tuple[int | None, ...] = ()
    your_values: tuple[int | None, ...] = ()
    axis: str = "event time (s)"
    marks: str = "events"


def spans(rows: Json) -> tuple[tuple[int, int], ...]:
    """Return rows [start, end] as spans.

    Raises:
        TypeError: They are no such rows.
        ValueError: A span ends before it starts, or there are too many to be seen.
    """
    # + 0 raises for what is no number, before anything is drawn.
    found = tuple((start + 0, end + 0) for start, end in rows)
    if len(found) > MOST_SPANS or any(start > end for start, end in found):
        raise ValueError("no spans that can be drawn")
    return found


def stretches(
    times_ms: Iterable[int],
    right: Json,
    yours: Json,
    about: str,
    *,
    axis: str = "event time (s)",
    marks: str = "events",
) -> Scene | None:
    """Return a scene of the right spans, and of the learner's, below the times of some events.

    None where both have the same spans, where there is no event, or one before the axis begins.
    """
    events = arriving(times_ms)
    wanted, mine = spans(right), spans(yours)
    if not events or min(event.event_ms for event in events) < 0 or set(wanted) == set(mine):
        return None
    return Scene(
        figure="assigners",
        events=events,
        policy=Policy(),
        number=len(events),
        about=about,
        axis=axis,
        marks=marks,
        right_spans=wanted,
        your_spans=mine,
    )


def values(right: Json, yours: Json, about: str, *, axis: str, marks: str) -> Scene | None:
    """Return a scene of a number after each of some events, up to the first that is wrong.

    None where the learner's list has another length, or where one number alone would be shown.
    """
    last = next((n for n, pair in enumerate(zip(right, yours)) if pair[0] != pair[1]), None)  # noqa: B905
    if last is None or len(right) != len(yours) or not 0 < last < MOST_SPANS:
        return None
    # + 0 as in `spans`.
    mine = [value if value is None else value + 0 for value in yours[: last + 1]]
    return Scene(
        figure="watermark_stepper",
        events=arriving(range(last + 1)),
        policy=Policy(),
        number=last + 1,
        about=about,
        axis=axis,
        marks=marks,
        right_values=tuple(right[: last + 1]),
        your_values=tuple(mine),
    )


def arriving(times_ms: Iterable[int], values: Iterable[int] = ()) -> tuple[Event, ...]:
    """Return events that arrive in the given order, at least a second apart and after they happen.

    Args:
        times_ms: Event times.
        values: A value for each; 1 where none is given.
    """
    events: list[Event] = []
    given = iter(values)
    now_ms = 0
    for time_ms in times_ms:
        now_ms = max(now_ms, time_ms) + 1_000
        events.append(Event(time_ms, now_ms, value=next(given, 1)))
    return tuple(events)


def meeting(
    event_ms: int,
    watermark_ms: int,
    *,
    figure: FigureName,
    size_ms: int,
    slide_ms: int | None = None,
    lateness_ms: int = 0,
) -> Scene | None:
    """Return a scene in which an event meets a watermark in windows that are there already.

    An event of the same time opens the windows; a second one moves the watermark to where the
    third, the one that is judged, meets it. A figure begins at 0: None for what lies before.
    """
    bound_ms = max(4_000, event_ms - watermark_ms - 1)
    times_ms = event_ms, watermark_ms + bound_ms + 1, event_ms
    if min(times_ms) < 0:
        return None
    return Scene(
        figure=figure,
        events=arriving(times_ms),
        policy=Policy(
            bound_ms=bound_ms, lateness_ms=lateness_ms, size_ms=size_ms, slide_ms=slide_ms
        ),
        number=3,
        about="Event 3 is that of the call; 1 opens its windows, 2 moves the watermark."
        + (" What this lab calls late, the picture calls corrected." if lateness_ms else ""),
    )
