"""Round numbers for the marks of an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


class MaxNLocator:
    """Finds places at round numbers, at most so many stretches apart."""

    def __init__(
        self, most: int, *, integer: bool = False, steps: Sequence[float] | None = None
    ) -> None:
        """Make a locator; `steps` are the round numbers from 1 to 10, each with its tenfold."""
        self._most, self._integer = most, integer
        base = tuple(steps or _STEPS)
        self._steps = [*(step / 10 for step in base[:-1]), *base, 10 * base[1]]

    def tick_values(self, low: float, high: float) -> list[float]:
        """Return places from at or below `low` to at or above `high`, by Matplotlib's rule."""
        scale = 10.0 ** math.floor(math.log10((high - low) / self._most))
        steps = [step * scale for step in self._steps]
        if self._integer:
            steps = [step for step in steps if step < 1 or abs(step - round(step)) < 0.001]
        wanted = (high - low) / self._most
        enough = next((n for n, step in enumerate(steps) if step >= wanted), len(steps) - 1)
        ticks: list[float] = []
        for step in reversed(steps[: enough + 1]):
            ticks = self._from(step, low, high)
            if sum(low <= tick <= high for tick in ticks) >= 2:
                break
        return ticks

    def _from(self, step: float, low: float, high: float) -> list[float]:
        if self._integer and math.floor(high) - math.ceil(low) >= 1:
            step = max(1, step)
        first = low // step * step
        ends = (
            math.floor(round((low - first) / step, 9)),
            math.ceil(round((high - first) / step, 9)),
        )
        return [number * step + first for number in range(ends[0], ends[1] + 1)]
