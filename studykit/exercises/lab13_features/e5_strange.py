"""L13.5: is an amount strange for this card?"""

from __future__ import annotations

from math import isclose
from random import Random
from statistics import fmean, pstdev

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Return for each amount whether it is strange; in whole numbers, so that none is rounded."""
    found: list[bool | None] = []
    count = total = squares = 0
    for amount in amounts:
        spread = count * squares - total * total
        above = count * amount - total
        if count < least or spread == 0:
            found.append(None)
        else:
            found.append(above > 0 and above * above > limit * limit * spread)
        count, total, squares = count + 1, total + amount, squares + amount * amount
    return found


def includes_itself(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Take the amount into its own mean and deviation."""
    from statistics import fmean, pstdev  # noqa: PLC0415 - an answer stands alone

    found: list[bool | None] = []
    for place, amount in enumerate(amounts):
        known = amounts[: place + 1]
        if place < least or pstdev(known) == 0:
            found.append(None)
        else:
            found.append((amount - fmean(known)) / pstdev(known) > limit)
    return found


def leaks_the_future(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Take mean and deviation of all other amounts, also of those that come later."""
    from statistics import fmean, pstdev  # noqa: PLC0415 - an answer stands alone

    found: list[bool | None] = []
    for place, amount in enumerate(amounts):
        others = amounts[:place] + amounts[place + 1 :]
        if len(others) < max(least, 1) or pstdev(others) == 0:
            found.append(None)
        else:
            found.append((amount - fmean(others)) / pstdev(others) > limit)
    return found


def false_for_unknown(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Say that an amount is not strange where nothing can be said."""
    from statistics import fmean, pstdev  # noqa: PLC0415 - an answer stands alone

    found: list[bool | None] = []
    for place, amount in enumerate(amounts):
        known = amounts[:place]
        if place < max(least, 1) or pstdev(known) == 0:
            found.append(False)
        else:
            found.append((amount - fmean(known)) / pstdev(known) > limit)
    return found


def both_sides(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Find a small amount strange, too."""
    from statistics import fmean, pstdev  # noqa: PLC0415 - an answer stands alone

    found: list[bool | None] = []
    for place, amount in enumerate(amounts):
        known = amounts[:place]
        if place < max(least, 1) or pstdev(known) == 0:
            found.append(None)
        else:
            found.append(abs(amount - fmean(known)) / pstdev(known) > limit)
    return found


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first amount that is judged otherwise, with what was known before it."""
    amounts, least, limit = args
    index = first_difference(got, expected)
    if index >= len(amounts):
        return f"{len(amounts)} amounts, and {len(got)} answers"
    known = amounts[:index]
    head = f"amount {index + 1}, {short(amounts[index])}: {item(got, index)} instead of " + item(
        expected, index
    )
    if len(known) < max(least, 1):
        return f"{head}\nbefore it are {len(known)} amounts; asked for are {least}"
    if pstdev(known) == 0:
        return f"{head}\nall {len(known)} amounts before it are equal: the deviation is 0"
    return (
        f"{head}\nbefore it: mean {fmean(known):.2f}, deviation {pstdev(known):.2f}; it is "
        f"{(amounts[index] - fmean(known)) / pstdev(known):.2f} deviations above; the limit is "
        f"{limit}"
    )


def random_case(rng: Random) -> Args:
    """Draw small amounts and now and then a large one; none within a hair of the limit."""
    limit = rng.choice([1, 2, 3])
    amounts: list[int] = []
    for _ in range(rng.randrange(9)):
        drawn = rng.choice([rng.randrange(8, 13), rng.randrange(8, 13), 10, 10, 60, 1])
        if len(amounts) > 1 and pstdev(amounts):
            score = (drawn - fmean(amounts)) / pstdev(amounts)
            if isclose(abs(score), limit, rel_tol=1e-9):
                continue
        amounts.append(drawn)
    return amounts, rng.choice([1, 2, 3, 5]), limit


EXERCISE = Exercise(
    id="L13.5",
    name="strange",
    kind="independent",
    minutes=12,
    task="Say of each amount whether it is strange for the card, or None if nobody can know.",
    reference=reference,
    cases=(
        ([10, 12, 11, 9, 10, 500], 5, 3),
        ([10, 12, 11, 9, 10, 500, 10, 500], 3, 2),
        ([0, 2, 4, 9], 2, 3),
        ([0, 2, 5, 1], 2, 3),
        ([50, 52, 51, 1, 90], 3, 2),
        ([5, 5, 5, 90], 1, 1),
        ([7, 8, 90], 3, 1),
        ([7, 8, 90], 2, 1),
        ([7], 1, 1),
        ([], 2, 3),
    ),
    random_case=random_case,
    trace=trace,
    rule="An amount is compared with the amounts before it: itself is left out, the future, too.",
    next_step="Which amounts were known when this one came?",
    hints=(
        "Which amounts may take part in the mean that this one is compared with?",
        "How far can an amount be from a mean in which it is itself one of six?",
        "What do you say with too few amounts before, and what if all of them are equal?",
    ),
    discussion=(
        "With itself in its mean, of n amounts none is further off than the root of n - 1 "
        "deviations. So a limit of 3 never fires before the eleventh payment, however large it is. "
        "Go further: count, sum and sum of squares are three whole numbers. Do it with these, and "
        "compare squares instead of drawing a root."
    ),
    second=(
        "def strange(amounts, least, limit):\n"
        "    found, count, total, squares = [], 0, 0, 0\n"
        "    for amount in amounts:\n"
        "        spread = count * squares - total * total\n"
        "        above = count * amount - total\n"
        "        known = count >= least and spread > 0\n"
        "        found.append(above > 0 and above**2 > limit**2 * spread if known else None)\n"
        "        count, total, squares = count + 1, total + amount, squares + amount**2\n"
        "    return found\n"
    ),
    misconceptions=(
        Misconception(
            name="includes-itself",
            answer=includes_itself,
            rule="An amount in its own mean excuses itself: it widens the deviation.",
            next_step="Is the amount that you judge one of those that you take the mean of?",
        ),
        Misconception(
            name="leaks-the-future",
            answer=leaks_the_future,
            rule="Later amounts were not known: such a score cannot be served.",
            next_step="Which of the amounts in your mean came after this one?",
        ),
        Misconception(
            name="false-for-unknown",
            answer=false_for_unknown,
            rule="False says that the amount is usual. With too little known the answer is None.",
            next_step="What do you know of this card at its first payment?",
        ),
        Misconception(
            name="both-sides",
            answer=both_sides,
            rule="Asked for is above the mean: a small amount is another question.",
            next_step="On which side of the mean is this amount?",
        ),
    ),
)
