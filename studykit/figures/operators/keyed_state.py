"""Figure 8: state lives with its key, and a key lives on one subtask."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from studykit.drawing import style
from studykit.figures.exhibit import Choices, Row
from studykit.trace.steps import Trace
from studykit.trace.view import WindowView, view
from studykit.trace.words import count_of, seconds

TITLE: Final = "State by key"
QUESTION: Final = "What moves when the parallelism changes?"

CHOICES: Final[Choices] = MappingProxyType({"parallelism": (2, 1, 3, 4)})

KEY_GROUPS: Final = 128
"""Flink's default for a small job. A key belongs to its group for good; only groups move."""


class KeyPlace(NamedTuple):
    """Where a key lives: its key group, and the subtask that has the group, both from 0."""

    group: int
    subtask: int


def place_of(key: str, parallelism: int) -> KeyPlace:
    """Return the key group of a key and the subtask that has the group.

    Both rules are Flink's (`KeyGroupRangeAssignment`), for a key that is a string: the group is a
    murmur hash of the hash that Java gives the string, and neighbouring groups share a subtask.

    >>> place_of("a", 2), place_of("b", 2)
    (KeyPlace(group=81, subtask=1), KeyPlace(group=22, subtask=0))
    """
    group = _murmur(_java_hash(key)) % KEY_GROUPS
    return KeyPlace(group, group * parallelism // KEY_GROUPS)


_WORD: Final = 0xFFFF_FFFF
"""A Java int has 32 bits; Python's whole numbers are cut to it."""


def _java_hash(text: str) -> int:
    """Return Java's `String.hashCode`, without sign."""
    units = text.encode("utf-16-be")  # Java hashes UTF-16 units, not characters
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & _WORD
    return code


def _murmur(code: int) -> int:
    """Return Flink's `MathUtils.murmurHash`, which is murmur 3 of one int, made positive."""
    code = _rotated(code * 0xCC9E2D51, 15) * 0x1B873593
    code = (_rotated(code, 13) * 5 + 0xE6546B64) & _WORD ^ 4
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        code = ((code ^ code >> shift) * factor) & _WORD
    signed = code - 2**32 if code >= 2**31 else code
    return 0 if signed == -(2**31) else abs(signed)


def _rotated(code: int, bits: int) -> int:
    code &= _WORD
    return (code << bits | code >> 32 - bits) & _WORD


def _windows(trace: Trace, step: int) -> dict[str, list[WindowView]]:
    """Return the windows that hold state, by key, for every key of the trace."""
    keys = sorted({window.key for window in view(trace, len(trace.steps)).windows})
    live = view(trace, step).live
    return {key: [window for window in live if window.key == key] for key in keys}


def _changed(trace: Trace, step: int) -> set[str]:
    """Return the keys whose state the last step touched."""
    if step == 0:
        return set()
    last = trace.steps[step - 1]
    changed = {change.key for change in last.changes}
    if last.kind == "arrival" and last.event and last.verdict != "dropped":
        changed.add(last.event.key)
    return changed


def timers(trace: Trace, window: WindowView) -> int:
    """Return the event time at which a live window is due next: to fire, or else to be purged."""
    fired = window.state in ("fired", "re-fired")
    return window.end_ms - 1 + (trace.policy.lateness_ms if fired else 0)


@style.styled
def draw(trace: Trace, step: int, parallelism: int = 2) -> Figure:
    """Draw a row for each key: its place, its windows, its timers, what it fired last."""
    held = _windows(trace, step)
    changed = _changed(trace, step)
    figure = style.new_figure(8, 1.0 + 0.62 * max(len(held), 1))
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    axes.set(xlim=(0, 100), ylim=(max(len(held), 1) + 0.1, -0.75))
    axes.axis("off")
    for x, title in zip(_COLUMNS, _TITLES, strict=True):
        axes.text(x, -0.35, title, fontweight="bold", va="center")
    for row, (key, windows) in enumerate(held.items()):
        cells = _cells(trace, step, key, windows, parallelism)
        _draw_row(axes, row, cells, changed=key in changed)
    return figure


_TITLES: Final = ("key", "group → subtask", "windows held", "next timers", "last fired")
_COLUMNS: Final = (3.0, 12.0, 34.0, 62.0, 84.0)


def _cells(
    trace: Trace, step: int, key: str, windows: list[WindowView], parallelism: int
) -> tuple[str, ...]:
    place = place_of(key, parallelism)
    fired = [
        (result.now_ms, result.total, window.name)
        for window in view(trace, step).windows
        if window.key == key
        for result in window.results
    ]
    last = max(fired, default=None)
    return (
        key,
        f"{place.group} → {place.subtask}",
        ", ".join(window.name for window in windows) or "nothing",
        ", ".join(seconds(timers(trace, window)) for window in windows) or "none",
        f"{last[2]} = {last[1]}" if last else "nothing yet",
    )


def _draw_row(axes: Axes, row: int, cells: tuple[str, ...], *, changed: bool) -> None:
    axes.add_patch(
        Rectangle(
            (1, row + 0.08), 98, 0.84, facecolor=style.light(style.SKY),
            edgecolor=style.BLACK if changed else style.EDGE, lw=2.2 if changed else 0.6,
            gid=f"key:{cells[0]}:{'changed' if changed else 'same'}",
        )
    )  # fmt: skip
    for x, cell in zip(_COLUMNS, cells, strict=True):
        text = f"* {cell}" if changed and x == _COLUMNS[0] else cell
        axes.text(x, row + 0.5, text, va="center", fontsize=8.5)


def describe(trace: Trace, step: int, parallelism: int = 2) -> str:
    """Say where the key lives that has just changed, and what it holds."""
    held = _windows(trace, step)
    changed = sorted(_changed(trace, step) & held.keys())
    if not changed:
        total = sum(len(windows) for windows in held.values())
        return f"No key changes; {count_of(total, 'window')} are held in all."
    key = changed[-1]
    due = [seconds(timers(trace, window)) for window in held[key]]
    sentence = (
        f"Key {key} lives on subtask {place_of(key, parallelism).subtask}, holds "
        f"{count_of(len(due), 'window')}"
    )
    if not due:
        return f"{sentence} and has no timer."
    return f"{sentence}, next timer{'s' if len(due) > 1 else ''} at {' and '.join(due)}."


def table(trace: Trace, step: int, parallelism: int = 2) -> list[Row]:
    """Return every key with its place and state."""
    names = ("key", "group and subtask", "windows held", "next timers", "last fired")
    return [
        dict(zip(names, _cells(trace, step, key, windows, parallelism), strict=True))
        for key, windows in _windows(trace, step).items()
    ]
