"""L13.4: the time since the last payment of a card."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, stretches
from studykit.exercises.wording import first_difference, item, short


def reference(payments: list[list[Json]]) -> list[list[Json]]:
    """Return each payment with the time since the card's one before it, by event time."""
    last: dict[str, int] = {}
    rows: list[list[Json]] = []
    for event_ms, card in sorted(payments, key=lambda payment: payment[0]):
        rows.append([event_ms, card, event_ms - last[card] if card in last else None])
        last[card] = event_ms
    return rows


def negative_gap(payments: list[list[Json]]) -> list[list[Json]]:
    """Subtract the payment that arrived before, and sort afterwards."""
    last: dict[str, int] = {}
    rows: list[list[Json]] = []
    for event_ms, card in payments:
        rows.append([event_ms, card, event_ms - last[card] if card in last else None])
        last[card] = event_ms
    return sorted(rows, key=lambda row: row[0])


def absolute_gap(payments: list[list[Json]]) -> list[list[Json]]:
    """Do the same, and drop the sign."""
    last: dict[str, int] = {}
    rows: list[list[Json]] = []
    for event_ms, card in payments:
        rows.append([event_ms, card, abs(event_ms - last[card]) if card in last else None])
        last[card] = event_ms
    return sorted(rows, key=lambda row: row[0])


def zero_for_unknown(payments: list[list[Json]]) -> list[list[Json]]:
    """Say 0 where there is none before."""
    last: dict[str, int] = {}
    rows: list[list[Json]] = []
    for event_ms, card in sorted(payments, key=lambda payment: payment[0]):
        rows.append([event_ms, card, event_ms - last.get(card, event_ms)])
        last[card] = event_ms
    return rows


def anybodys(payments: list[list[Json]]) -> list[list[Json]]:
    """Subtract the payment before, whosever it is."""
    rows: list[list[Json]] = []
    last = None
    for event_ms, card in sorted(payments, key=lambda payment: payment[0]):
        rows.append([event_ms, card, None if last is None else event_ms - last])
        last = event_ms
    return rows


def since_first(payments: list[list[Json]]) -> list[list[Json]]:
    """Subtract the first payment of the card."""
    first: dict[str, int] = {}
    rows: list[list[Json]] = []
    for event_ms, card in sorted(payments, key=lambda payment: payment[0]):
        rows.append([event_ms, card, event_ms - first[card] if card in first else None])
        first.setdefault(card, event_ms)
    return rows


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first row that differs among all payments of its card."""
    (payments,) = args
    index = first_difference(got, expected)
    row = expected[index] if index < len(expected) else got[index]
    mine = [short(event_ms) for event_ms, card in payments if card == row[1]]
    return (
        f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}\n"
        f"{row[1]} pays at {', '.join(mine)}, in this order of arrival"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the payments of the card that differs first, and the gaps before them."""
    (payments,) = args
    index = first_difference(got, expected)
    card = (expected[index] if index < len(expected) else got[index])[1]
    right, yours = (
        [
            [event_ms - gap_ms, event_ms]
            for event_ms, other, gap_ms in rows
            if other == card and gap_ms
        ]
        for rows in (expected, got)
    )
    return stretches(
        [event_ms for event_ms, other in payments if other == card],
        right,
        yours,
        f"The payments of {card}, numbered as they arrived, and the gaps between them.",
        marks="payments",
    )


def random_case(rng: Random) -> Args:
    """Draw payments of two cards in any order, some at the same time."""
    times = [rng.choice([-5_000, 0, 1, 3_000, 60_000]) + rng.randrange(3) for _ in range(7)]
    return ([[time_ms, rng.choice("ab")] for time_ms in times[: rng.randrange(8)]],)


EXERCISE = Exercise(
    id="L13.4",
    name="gaps",
    kind="independent",
    minutes=10,
    task="Return each payment with the time since the card's payment before it, by event time.",
    reference=reference,
    cases=(
        ([[10_000, "a"], [40_000, "a"], [45_000, "a"]],),
        ([[10_000, "a"], [40_000, "a"], [30_000, "a"]],),
        ([[10_000, "a"], [20_000, "b"], [50_000, "a"], [60_000, "b"]],),
        ([[0, "a"], [-2_000, "a"]],),
        ([[5_000, "a"], [5_000, "a"], [5_000, "b"]],),
        ([[7_000, "a"]],),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="What came before is said by event time; the first payment has none, and that is None.",
    next_step="Which payment of this card happened just before this one?",
    hints=(
        "In which order do payments have to be, before two of them are compared?",
        "Whose payment is the one before?",
        "What do you know of a card that has not paid yet: 0 ms, or nothing?",
    ),
    discussion=(
        "A live job cannot sort a stream that goes on. It keeps the times of a card until the "
        "watermark has passed them, or it says what it knows and corrects itself later. Go "
        "further: which of these rows would have been served with another number?"
    ),
    misconceptions=(
        Misconception(
            name="negative-gap",
            answer=negative_gap,
            rule="The payment that arrived before may have happened after: the gap is negative.",
            next_step="Which order does your loop go through the payments in?",
        ),
        Misconception(
            name="absolute-gap",
            answer=absolute_gap,
            rule="Without its sign a wrong gap only looks right: its neighbour is another payment.",
            next_step="Between which two payments does your gap lie, by event time?",
        ),
        Misconception(
            name="zero-for-unknown",
            answer=zero_for_unknown,
            rule="0 ms says that the card has just paid. Of a first payment nothing is known.",
            next_step="What should a model read of a card that pays for the first time?",
        ),
        Misconception(
            name="anybodys-payment",
            answer=anybodys,
            rule="The state belongs to the card: the payment before is one of the same card.",
            next_step="Whose payment do you subtract?",
        ),
        Misconception(
            name="since-first",
            answer=since_first,
            rule="Since the last payment, not since the first: the state moves with each one.",
            next_step="What do you remember after the second payment of a card?",
        ),
    ),
)
