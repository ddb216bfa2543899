"""L13.2: predict what the store serves while a card pays, and long after."""

from __future__ import annotations

from typing import Final

from flink_jobs.config import Settings
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item
from studykit.trace.operators.serving import Payment, serve

MOMENTS_S: Final = (150, 170, 240, 600)


def reference() -> list[int]:
    """Return what the processor's rows serve at the four moments."""
    card = [Payment("c7", second * 1_000, second * 1_000) for second in (70, 100, 130)]
    others = [Payment("others", second * 1_000, second * 1_000) for second in range(0, 901, 20)]
    run = serve([*card, *others], "c7", Settings(), write_ms=0)
    return [run.at(second * 1_000).served for second in MOMENTS_S]


def at_once() -> list[int]:
    """Take the served value for the recomputed one."""
    return [2, 2, 3, 0]


def every_payment() -> list[int]:
    """Let each payment be seen as it comes."""
    return [3, 3, 3, 0]


def empty_window_is_zero() -> list[int]:
    """Believe that an empty window writes a zero."""
    return [0, 2, 3, 0]


def burst_stays() -> list[int]:
    """Believe that the largest row stays."""
    return [0, 2, 3, 3]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the moment, and which windows have fired by then."""
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} numbers, and four are asked for"
    told = (
        "the window that ends at 120 s waits for a payment at 150 s or later",
        "the payment of 160 s has moved the watermark to 129.999 s",
        "the payment of 240 s has moved the watermark to 209.999 s",
        "no window that ends after 430 s has a payment of this card",
    )[index]
    return f"at {MOMENTS_S[index]} s you say {item(got, index)}\n{told}"


EXERCISE = Exercise(
    id="L13.2",
    name="predict_served",
    kind="predict",
    minutes=8,
    task="Predict what the store serves at four moments.",
    reference=reference,
    cases=((),),
    hidden="what the newest row in the store says at the four moments",
    trace=trace,
    rule="The store serves the newest row: it comes a bound after its window, and stays.",
    next_step="Which window has fired last at that moment, and how many payments are in it?",
    hints=(
        "Which windows are over at each moment, and which of them have fired?",
        "At 150 s, which payment could have moved the watermark to 119.999 s?",
        "What does a window without a payment write into the store?",
    ),
    discussion=(
        "At 150 s the model sees a card that has never paid, and at 600 s one that has just paid. "
        "Both are right answers to another question: what the newest row says. Go further: which "
        "field of the row would have told the reader so, and what should the model get then?"
    ),
    misconceptions=(
        Misconception(
            name="served-is-recomputed",
            answer=at_once,
            rule="A window that is over has not fired: its row waits for the bound.",
            next_step="Which payment moves the watermark to the end of the window of 120 s?",
        ),
        Misconception(
            name="counts-payments-as-they-come",
            answer=every_payment,
            rule="The store holds windows that have fired, and no running count.",
            next_step="In which window that has fired lies the payment of 130 s?",
        ),
        Misconception(
            name="empty-window-writes-zero",
            answer=empty_window_is_zero,
            rule="An empty window emits nothing, so nothing overwrites the row before it.",
            next_step="Who would write a row for a window without a payment?",
        ),
        Misconception(
            name="burst-stays",
            answer=burst_stays,
            rule="Each newer window replaces the row, also if it counts fewer.",
            next_step="Which is the last window that has a payment, and how many has it?",
        ),
    ),
)
