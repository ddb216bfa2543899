"""A filter of repeated messages on the real Flink, whose steps a learner's function decides.

Flink calls the function with one message of a key, or with a timer of that key, and what is kept of
the key. The function answers with steps, and Flink does them: with its keyed state and its timers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from studykit.errors import StudyError
from studykit.flink.in_process import Flink, at
from studykit.services.live.cell import ask
from studykit.trace.steps import Event

TTL_MS: Final = 60_000
BOUND_MS: Final = 5_000
KEYS: Final = 24
_GAPS_MS: Final = (1_000, TTL_MS // 2, TTL_MS - 1, TTL_MS, TTL_MS + 2_000, 4 * TTL_MS)

Steps = list[list[Any]]
Decides = Callable[[int | None, str, int, int], Steps]
"""Kept time in ms or `None`, "message" or "timer", its time in ms, time to live in ms: the steps.

A step is `["tell"]`, `["keep", ms]`, `["timer", ms]` or `["clear"]`.
"""

_ARGUMENTS: Final = {"tell": 0, "keep": 1, "timer": 1, "clear": 0}


def show(next_steps: Decides, seed: int = 7) -> None:
    """Run the filter on a Flink in this process, and print what passed and what is kept.

    Args:
        next_steps: Decides what is done for a message and for a timer.
        seed: Draws the messages.
    """
    messages = drawn(seed)
    print(
        f"{len(messages)} messages of {KEYS} ids go through a KeyedProcessFunction of a real Flink "
        "in this kernel: about a minute. It is stopped with the kernel."
    )
    try:
        # A mistake of any call is a sentence before Java starts.
        for args in [(None, "message", 0, TTL_MS), (0, "message", 1, TTL_MS), (0, "timer", 1, 1)]:
            checked(ask(next_steps, *args))
        told, kept = run(next_steps, messages)
    except StudyError as error:
        print(error)
        return
    print(comparison(messages, told))
    print(f"ids in Flink's state: {max(kept)} at most, {kept[-1]} at the end")


def drawn(seed: int) -> list[Event]:
    """Return messages in order of arrival: several of each id, none later than the bound."""
    rng = random.Random(seed)
    found = []
    for number in range(KEYS):
        now_ms = rng.randrange(0, 4 * TTL_MS)
        for gap_ms in [0, *rng.choices(_GAPS_MS, k=rng.randrange(1, 5))]:
            now_ms += gap_ms
            found.append((now_ms + rng.randrange(BOUND_MS + 1), at(now_ms, card=f"id-{number}")))
    return [message for _, message in sorted(found, key=lambda arrival: arrival[0])]


def passing(messages: Sequence[Event]) -> list[int]:
    """Return the places of the messages that pass: the first of an id, and later ones by the rule.

    A message passes if its id has not passed, or at least `TTL_MS` of event time before it.
    """
    last_ms: dict[str, int] = {}
    places = []
    for place, message in enumerate(messages):
        last = last_ms.get(message.key)
        if last is None or message.event_ms >= last + TTL_MS:
            places.append(place)
            last_ms[message.key] = message.event_ms
    return places


def comparison(messages: Sequence[Event], told: Sequence[int]) -> str:
    """Return a sentence: as many passed as the rule says, or the first message that differs."""
    right = passing(messages)
    if list(told) == right:
        return f"{len(told)} of {len(messages)} messages passed, as the rule says"
    place = min(set(told) ^ set(right))
    message = messages[place]
    before = [other.event_ms for other in messages[:place] if other.key == message.key]
    return (
        f"message {place + 1}, {message.key} at {message.event_ms:_} ms, "
        f"{'passed' if place in told else 'did not pass'}: the rule says otherwise. "
        f"Messages of this id before it: {', '.join(f'{ms:_}' for ms in before) or 'none'}"
    )


def checked(steps: object) -> Steps:
    """Return steps that the engine can do.

    Raises:
        StudyError: They are no list of such steps.
    """
    if isinstance(steps, list) and all(map(_is_step, steps)):
        return steps
    raise StudyError(
        f"your function returned {steps!r}: it has to be a list of steps, such as "
        '[["tell"], ["keep", 5_000]]. Let its check pass first'
    )


def _is_step(step: object) -> bool:
    if not (isinstance(step, list) and step and isinstance(step[0], str)):
        return False
    word, *numbers = step
    return _ARGUMENTS.get(word) == len(numbers) and all(type(ms) is int for ms in numbers)


class Filter(KeyedProcessFunction):  # type: ignore[misc]  # it has no types
    """Does for each message and timer what the function decides, and tells what is kept then."""

    def __init__(self, next_steps: Decides) -> None:
        """Take the function that decides."""
        self._next_steps = next_steps

    def open(self, runtime_context: RuntimeContext) -> None:
        """Declare the one number that Flink keeps of each key."""
        self._kept = runtime_context.get_state(ValueStateDescriptor("kept", Types.LONG()))

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        """Handle a message; its third field is its place in the order of arrival."""
        yield self._do("message", value[0], ctx, value[1], value[2])

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[str]:
        """Handle a timer of the current key."""
        yield self._do("timer", timestamp, ctx, ctx.get_current_key(), -1)

    def _do(self, kind: str, time_ms: int, ctx: Any, key: str, place: int) -> str:  # noqa: ANN401
        is_told = False
        for word, *numbers in checked(self._next_steps(self._kept.value(), kind, time_ms, TTL_MS)):
            if word == "tell":
                is_told = True
            elif word == "keep":
                self._kept.update(*numbers)
            elif word == "timer":
                ctx.timer_service().register_event_time_timer(*numbers)
            else:
                self._kept.clear()
        return f"{key},{place},{int(is_told)},{int(self._kept.value() is not None)}"


def run(next_steps: Decides, messages: Sequence[Event]) -> tuple[list[int], list[int]]:
    """Run the filter on a real Flink, a watermark behind every message, to the end of the input.

    Returns:
        The places of the messages that passed, and after each call how many keys have state.

    Raises:
        StudyError: The function failed in the middle.
    """
    flink = Flink()
    placed = [at(message.event_ms, place, message.key) for place, message in enumerate(messages)]
    steps = flink.stream(placed, BOUND_MS).key_by(lambda row: row[1], Types.STRING())
    try:
        lines = flink.run(steps.process(Filter(next_steps), Types.STRING()))
    except Exception as error:
        raise StudyError(
            "your function failed in the middle of Flink's job. Let its check pass first"
        ) from error
    held: set[str] = set()
    told, kept = [], []
    for key, place, is_told, is_kept in (line.split(",") for line in lines):
        if is_told == "1" and place != "-1":
            told.append(int(place))
        (held.add if is_kept == "1" else held.discard)(key)
        kept.append(len(held))
    return told, kept
