"""L14.3: a hot key is split by a salt, and its parts are summed up again."""

from __future__ import annotations

from collections import Counter
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Payments = list[list[Json]]


def reference(payments: Payments, size_ms: int, salts: int) -> dict[str, Json]:
    """Return the payments of the fullest part, and the total of each merchant and window."""
    parts: Counter[tuple[int, str, int]] = Counter()
    totals: Counter[tuple[int, str]] = Counter()
    for place, (event_ms, merchant, cents) in enumerate(payments):
        start_ms = event_ms - event_ms % size_ms
        before = sum(other == merchant for _, other, _ in payments[:place])
        parts[start_ms, merchant, before % salts] += 1
        totals[start_ms, merchant] += cents
    return {
        "busiest": max(parts.values(), default=0),
        "totals": [[*key, totals[key]] for key in sorted(totals)],
    }


def salts_by_time(payments: Payments, size_ms: int, salts: int) -> dict[str, Json]:
    """Take the salt from the second of the payment."""
    parts: dict[str, int] = {}
    totals: dict[tuple[int, str], int] = {}
    for event_ms, merchant, cents in payments:
        start = event_ms // size_ms * size_ms
        part = f"{start} {merchant} {event_ms // 1_000 % salts}"
        parts[part] = parts.get(part, 0) + 1
        totals[start, merchant] = totals.get((start, merchant), 0) + cents
    return {
        "busiest": max(parts.values(), default=0),
        "totals": [[*key, totals[key]] for key in sorted(totals)],
    }


def forgets_second_sum(payments: Payments, size_ms: int, salts: int) -> dict[str, Json]:
    """Return the sums of the parts, as the first step leaves them."""
    parts: dict[tuple[int, str, int], list[int]] = {}
    seen: dict[str, int] = {}
    for event_ms, merchant, cents in payments:
        salt = seen.get(merchant, 0) % salts
        seen[merchant] = seen.get(merchant, 0) + 1
        parts.setdefault((event_ms // size_ms * size_ms, merchant, salt), []).append(cents)
    return {
        "busiest": max((len(part) for part in parts.values()), default=0),
        "totals": [[key[0], key[1], sum(parts[key])] for key in sorted(parts)],
    }


def salts_by_merchant(payments: Payments, size_ms: int, salts: int) -> dict[str, Json]:
    """Take the salt from the merchant, so that all of its payments get the same."""
    parts: dict[str, int] = {}
    totals: dict[tuple[int, str], int] = {}
    for event_ms, merchant, cents in payments:
        start = event_ms // size_ms * size_ms
        part = f"{start} {merchant} {sum(map(ord, merchant)) % salts}"
        parts[part] = parts.get(part, 0) + 1
        totals[start, merchant] = totals.get((start, merchant), 0) + cents
    return {
        "busiest": max(parts.values(), default=0),
        "totals": [[*key, totals[key]] for key in sorted(totals)],
    }


def counts_all_together(payments: Payments, size_ms: int, salts: int) -> dict[str, Json]:
    """Take the salt from the place in the list, whoever the merchant is."""
    parts: dict[str, int] = {}
    totals: dict[tuple[int, str], int] = {}
    for place, (event_ms, merchant, cents) in enumerate(payments):
        start = event_ms // size_ms * size_ms
        part = f"{start} {merchant} {place % salts}"
        parts[part] = parts.get(part, 0) + 1
        totals[start, merchant] = totals.get((start, merchant), 0) + cents
    return {
        "busiest": max(parts.values(), default=0),
        "totals": [[*key, totals[key]] for key in sorted(totals)],
    }


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the fullest part if that differs, else the first total."""
    payments, _, salts = args
    if got["busiest"] != expected["busiest"]:
        merchants = Counter(merchant for _, merchant, _ in payments)
        told = ", ".join(f"{name} {count}" for name, count in merchants.most_common())
        return (
            f"payments by merchant: {told or 'none'}; {salts} salts\n"
            f"the fullest part of one window holds {expected['busiest']}, yours {got['busiest']}"
        )
    wrong = [row for row in got["totals"] if row not in expected["totals"]]
    missing = [row for row in expected["totals"] if row not in got["totals"]]
    return (
        f"the parts are right; {len(got['totals'])} totals instead of {len(expected['totals'])}\n"
        f"too much: {short(wrong)}; missing: {short(missing)}"
    )


def random_case(rng: Random) -> Args:
    """Draw payments of which most are those of one merchant, many within one second."""
    size_ms = rng.choice([5_000, 10_000])
    times = [-1, 0, 1, 1_000, size_ms - 1, size_ms, 2 * size_ms]
    payments = [
        [rng.choice(times), rng.choice(["m1", "m1", "m1", "m2", "m3"]), rng.choice([-5, 0, 7, 50])]
        for _ in range(rng.randrange(13))
    ]
    return payments, size_ms, rng.choice([1, 2, 3])


EXERCISE = Exercise(
    id="L14.3",
    name="salted",
    kind="independent",
    minutes=15,
    task="Split every merchant's payments by a salt, and sum up its parts again.",
    reference=reference,
    cases=(
        ([[0, "m1", 5], [1, "m1", 6], [2, "m1", 7], [3, "m1", 8]], 10_000, 2),
        ([[0, "m1", 5], [1, "m2", 6], [2, "m1", 7], [3, "m2", 8]], 10_000, 2),
        ([[9_999, "m1", 5], [10_000, "m1", 6], [-1, "m1", 7]], 10_000, 1),
        ([[0, "m2", 5], [5_000, "m1", 6], [0, "m1", 0], [4_999, "m2", -5]], 5_000, 3),
        ([[1_000, "m1", 1], [1_001, "m1", 2], [1_002, "m1", 3], [1_003, "m1", 4]], 10_000, 3),
        ([[0, "m1", 1], [12_000, "m1", 2], [1, "m1", 4], [2, "m1", 8]], 10_000, 2),
        ([], 10_000, 2),
    ),
    random_case=random_case,
    trace=trace,
    rule="A salt spreads the payments of one key evenly, and a second sum unites its parts.",
    next_step="Which two payments of one merchant get the same salt, and where do they meet again?",
    hints=(
        "Which number would tell you that a key is hot: how many keys, or payments of one key?",
        "What makes the salts of one merchant come up equally often?",
        "What is the key of the first sum, and what is the key of the second?",
    ),
    discussion=(
        "Sums and counts bear it, because the sum of sums is the sum. The number of distinct cards "
        "does not. Go further: a payment is read twice after a restart. Which salt must it get "
        "the second time, and does yours?"
    ),
    equivalent={
        "before = seen.get(merchant, 1)": "salts that begin elsewhere spread as evenly",
        "before = seen.get(merchant, -1)": "salts that begin elsewhere spread as evenly",
        "seen[merchant] = before - 1": "salts that count down spread as evenly",
    },
    misconceptions=(
        Misconception(
            name="salts-by-time",
            answer=salts_by_time,
            rule="A burst comes at one time: a salt from the time keeps it whole.",
            next_step="Which salt do the payments of one second get?",
        ),
        Misconception(
            name="forgets-second-sum",
            answer=forgets_second_sum,
            rule="What was one total is now several: nobody has asked for parts.",
            next_step="How many rows does a merchant have in one window?",
        ),
        Misconception(
            name="salts-by-merchant",
            answer=salts_by_merchant,
            rule="A salt that the key decides puts all of its payments into one part again.",
            next_step="How many salts does one merchant get?",
        ),
        Misconception(
            name="counts-all-together",
            answer=counts_all_together,
            rule="A count of all payments may skip a merchant's turns: two that alternate show it.",
            next_step="Which places in the list do the payments of this merchant have?",
        ),
    ),
)
