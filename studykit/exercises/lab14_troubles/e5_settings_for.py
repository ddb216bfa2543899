"""L14.5: a late burst: bound and lateness that lose little and wait little."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Delays = list[int]


def p95(values: Delays) -> int:
    """Return the smallest value that 95 % of all values do not exceed."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 95 // 100) - 1]


def told(delays_ms: Delays, bound_ms: int, lateness_ms: int) -> Delays:
    """Return after how long each event that is counted shows in a row."""
    return [max(delay, bound_ms) for delay in delays_ms if delay <= bound_ms + lateness_ms]


def fits(
    delays_ms: Delays, pair: tuple[int, int], dead_below_percent: int, p95_below_ms: int
) -> bool:
    """Return whether a bound and a lateness reach both numbers."""
    shown = told(delays_ms, *pair)
    dead = len(delays_ms) - len(shown)
    return dead * 100 < dead_below_percent * len(delays_ms) and p95(shown) < p95_below_ms


def reference(
    delays_ms: Delays, choices_ms: list[int], dead_below_percent: int, p95_below_ms: int
) -> list[int] | None:
    """Return the bound and lateness with the least state; of two, the one that corrects less."""
    pairs = [
        (bound + lateness, lateness, bound)
        for bound in choices_ms
        for lateness in choices_ms
        if fits(delays_ms, (bound, lateness), dead_below_percent, p95_below_ms)
    ]
    if not pairs:
        return None
    _, lateness, bound = min(pairs)
    return [bound, lateness]


def bound_from_the_mean(
    delays_ms: Delays, choices_ms: list[int], dead_below_percent: int, p95_below_ms: int
) -> list[int] | None:
    """Take the mean delay for the bound, and no lateness."""
    mean = sum(delays_ms) / len(delays_ms)
    enough = [choice for choice in sorted(choices_ms) if choice >= mean]
    return [enough[0], 0] if enough else None


def bound_alone(
    delays_ms: Delays, choices_ms: list[int], dead_below_percent: int, p95_below_ms: int
) -> list[int] | None:
    """Wait for all of it with the bound."""
    for bound in sorted(choices_ms):
        shown = [max(delay, bound) for delay in delays_ms if delay <= bound]
        dead = len(delays_ms) - len(shown)
        if dead * 100 < dead_below_percent * len(delays_ms):
            at = sorted(shown)[-(-len(shown) * 95 // 100) - 1]
            return [bound, 0] if at < p95_below_ms else None
    return None


def lateness_is_free(
    delays_ms: Delays, choices_ms: list[int], dead_below_percent: int, p95_below_ms: int
) -> list[int] | None:
    """Take the largest lateness that there is, and the smallest bound."""
    return [min(choices_ms), max(choices_ms)]


def corrected_at_once(
    delays_ms: Delays, choices_ms: list[int], dead_below_percent: int, p95_below_ms: int
) -> list[int] | None:
    """Take the bound for the delay of everything, corrections too."""
    pairs = [
        (bound + lateness, lateness, bound)
        for bound in choices_ms
        for lateness in choices_ms
        if bound < p95_below_ms
        and sum(delay > bound + lateness for delay in delays_ms) * 100
        < dead_below_percent * len(delays_ms)
    ]
    return [min(pairs)[2], min(pairs)[1]] if pairs else None


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show what the learner's two settings lose, and how long they wait."""
    delays_ms, _, dead_below_percent, p95_below_ms = args
    asked = f"asked: dead below {dead_below_percent} %, p95 below {short(p95_below_ms)}"
    if got is None:
        return f"{asked}\nthere are two settings that reach both"
    bound_ms, lateness_ms = got
    shown = told(delays_ms, bound_ms, lateness_ms)
    dead = len(delays_ms) - len(shown)
    at = short(p95(shown)) if shown else "nothing"
    return f"{asked}\nyours: {dead} of {len(delays_ms)} dead, p95 {at}, state for {short(sum(got))}"


def random_case(rng: Random) -> Args:
    """Draw delays of an ordinary day with a burst, with limits at which they decide."""
    usual = [rng.choice([0, 1_000, 2_000]) for _ in range(rng.choice([9, 18, 19, 20, 38, 40]))]
    burst = [rng.choice([4_000, 8_000, 8_001, 12_000]) for _ in range(rng.randrange(4))]
    delays = usual + burst
    rng.shuffle(delays)
    choices = rng.sample([0, 1_000, 2_000, 4_000, 8_000, 12_000], rng.randrange(2, 7))
    return delays, choices, rng.choice([1, 5, 10]), rng.choice([2_000, 4_001, 8_000, 8_001])


_DAY = [1_000] * 57 + [12_000] * 3
_LIMITS = [0, 1_000, 2_000, 4_000, 8_000, 12_000]

EXERCISE = Exercise(
    id="L14.5",
    name="settings_for",
    kind="independent",
    minutes=18,
    task="Choose bound and lateness that lose little, wait little, and hold little state.",
    reference=reference,
    cases=(
        (_DAY, _LIMITS, 1, 8_000),
        ([1_000] * 99 + [12_000], _LIMITS, 1, 8_000),
        ([1_000] * 99 + [12_000], _LIMITS, 2, 8_000),
        ([1_000] * 8 + [6_000] * 2, _LIMITS, 1, 8_000),
        ([1_000] * 8 + [8_000] * 2, _LIMITS, 1, 8_000),
        ([1_000] * 8 + [8_000] * 2, _LIMITS, 1, 8_001),
        ([1_000] * 9 + [4_000], [4_000, 0, 2_000], 20, 2_000),
        ([0, 0, 0], [0, 1_000], 5, 1),
        ([2_000], [1_000, 0], 1, 8_000),
        ([1_000] * 100 + [99_000], [0, 1_000, 2_000], 1, 8_000),
        ([0] * 19 + [4_000], [2_000, 0], 1, 8_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="The bound is what everybody waits; the lateness is what only late ones wait for.",
    next_step="Which share is dead, and after how long do 95 % show, with the pair you return?",
    hints=(
        "Which number would tell you what is lost, and which how long readers wait?",
        "After how long does an event show that comes within the bound, and one that comes later?",
        "Of all pairs that reach both numbers, which holds its windows for the shortest time?",
    ),
    discussion=(
        "A bound alone makes everybody wait for the burst. With lateness ordinary rows come early "
        "and a few are corrected, if the sink bears corrections. Go further: the burst is one "
        "producer's. Which third setting would leave all others alone?"
    ),
    misconceptions=(
        Misconception(
            name="bound-from-the-mean",
            answer=bound_from_the_mean,
            rule="A mean says nothing about the slowest hundredth, which decides what is lost.",
            next_step="How many of the delays are longer than the bound that you return?",
        ),
        Misconception(
            name="bound-alone",
            answer=bound_alone,
            rule="A bound that is long enough for the burst makes everybody wait for it.",
            next_step="What would the ordinary events gain by a small bound with some lateness?",
        ),
        Misconception(
            name="lateness-is-free",
            answer=lateness_is_free,
            rule="Windows live for bound and lateness: more than is needed is state for nothing.",
            next_step="Which smaller pair reaches both numbers, too?",
        ),
        Misconception(
            name="corrected-at-once",
            answer=corrected_at_once,
            rule="A corrected event shows when it has come, not when its window first fired.",
            next_step="After how long does an event show that comes after the bound?",
        ),
    ),
)
