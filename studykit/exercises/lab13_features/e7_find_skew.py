"""L13.7: compare what the store holds with an offline replay, and name the cause of each gap."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Row = dict[str, int]


def reference(
    stored: dict[str, Row], replayed: list[list[Json]], read_ms: int
) -> dict[str, list[Json]]:
    """Return the cause and the gap of each card whose stored value is not the replayed one."""
    newest: dict[str, tuple[int, int, int]] = {}
    for card, end_ms, revision, count in replayed:
        if end_ms <= read_ms:
            newest[card] = max(
                newest.get(card, (end_ms, revision, count)), (end_ms, revision, count)
            )
    found: dict[str, list[Json]] = {}
    for card, (end_ms, revision, count) in newest.items():
        row = stored.get(card)
        if row is None:
            found[card] = ["ttl", count]
            continue
        if row["window_end"] != end_ms:
            cause = "race"
        elif row["revision"] != revision:
            cause = "revision"
        else:
            cause = "writer"
        if row["tx_count"] != count:
            found[card] = [cause, count - row["tx_count"]]
    return found


def missing_is_fine(
    stored: dict[str, Row], replayed: list[list[Json]], read_ms: int
) -> dict[str, list[Json]]:
    """Compare only the cards that the store has."""
    newest: dict[str, list[int]] = {}
    for card, *rest in replayed:
        if rest[0] <= read_ms:
            newest[card] = max(newest.get(card, rest), rest)
    found: dict[str, list[Json]] = {}
    for card, (end, revision, count) in newest.items():
        if card not in stored or stored[card]["tx_count"] == count:
            continue
        row = stored[card]
        same = row["window_end"] == end
        cause = ("writer" if row["revision"] == revision else "revision") if same else "race"
        found[card] = [cause, count - row["tx_count"]]
    return found


def later_windows_too(
    stored: dict[str, Row], replayed: list[list[Json]], read_ms: int
) -> dict[str, list[Json]]:
    """Take the last window of the replay, whenever it ends."""
    newest: dict[str, list[int]] = {}
    for card, *rest in replayed:
        newest[card] = max(newest.get(card, rest), rest)
    found: dict[str, list[Json]] = {}
    for card, (end, revision, count) in newest.items():
        row = stored.get(card, {"window_end": -1, "revision": 0, "tx_count": 0})
        if card in stored and row["tx_count"] == count:
            continue
        same = row["window_end"] == end
        cause = ("writer" if row["revision"] == revision else "revision") if same else "race"
        found[card] = [cause if card in stored else "ttl", count - row["tx_count"]]
    return found


def served_minus_replayed(
    stored: dict[str, Row], replayed: list[list[Json]], read_ms: int
) -> dict[str, list[Json]]:
    """Subtract the wrong way round."""
    newest: dict[str, list[int]] = {}
    for card, *rest in replayed:
        if rest[0] <= read_ms:
            newest[card] = max(newest.get(card, rest), rest)
    found: dict[str, list[Json]] = {}
    for card, (end, revision, count) in newest.items():
        row = stored.get(card, {"window_end": -1, "revision": 0, "tx_count": 0})
        if card in stored and row["tx_count"] == count:
            continue
        same = row["window_end"] == end
        cause = ("writer" if row["revision"] == revision else "revision") if same else "race"
        found[card] = [cause if card in stored else "ttl", row["tx_count"] - count]
    return found


def blames_lateness(
    stored: dict[str, Row], replayed: list[list[Json]], read_ms: int
) -> dict[str, list[Json]]:
    """Call every gap of a window that is there a correction."""
    newest: dict[str, list[int]] = {}
    for card, *rest in replayed:
        if rest[0] <= read_ms:
            newest[card] = max(newest.get(card, rest), rest)
    found: dict[str, list[Json]] = {}
    for card, (end, _, count) in newest.items():
        row = stored.get(card, {"window_end": -1, "revision": 0, "tx_count": 0})
        if card in stored and row["tx_count"] == count:
            continue
        cause = "revision" if row["window_end"] == end else "race"
        found[card] = [cause if card in stored else "ttl", count - row["tx_count"]]
    return found


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first card that differs: its stored row, and its rows in the replay."""
    stored, replayed, read_ms = args
    differing = [name for name in sorted({*got, *expected}) if got.get(name) != expected.get(name)]
    card = differing[0]
    rows = [
        f"window {short(end_ms)} revision {revision} says {count}"
        for name, end_ms, revision, count in sorted(replayed)
        if name == card
    ]
    row = stored.get(card)
    held = (
        f"window {short(row['window_end'])} revision {row['revision']} says {row['tx_count']}"
        if row
        else "nothing"
    )
    mine = short(got[card]) if card in got else "nothing"
    return (
        f"{card}, read at {short(read_ms)}: you say {mine}\nthe store holds {held}\n"
        f"the replay: {'; '.join(rows) or 'no row'}"
    )


def random_case(rng: Random) -> Args:
    """Draw a replay of a few cards, and a store in which some of them went wrong."""
    read_ms = rng.choice([300_000, 420_000])
    ends = [read_ms + step for step in (-60_000, -1, 0, 1, 60_000)]
    replayed: list[list[Json]] = []
    stored: dict[str, Row] = {}
    for card in rng.sample(["c1", "c2", "c3", "c4"], rng.randrange(1, 5)):
        rows: list[list[Json]] = [
            [card, end_ms, revision, rng.randrange(4)]
            for end_ms in rng.sample(ends, rng.randrange(1, 4))
            for revision in range(rng.choice([1, 1, 2]))
        ]
        replayed += rows
        kept = rng.choice(rows)
        if rng.random() < 0.75:
            count = kept[3] + rng.choice([0, 0, 1])
            stored[card] = held(kept[1], kept[2], count)
    rng.shuffle(replayed)
    return stored, replayed, read_ms


def held(window_end: int, revision: int, tx_count: int) -> Row:
    """Return a hash of the store, as a reader decodes it."""
    return {"window_end": window_end, "revision": revision, "tx_count": tx_count}


EXERCISE = Exercise(
    id="L13.7",
    name="find_skew",
    kind="independent",
    minutes=20,
    task="Compare the store with an offline replay: name the cause and the gap of each card.",
    reference=reference,
    cases=(
        (
            {"c1": held(300_000, 0, 4)},
            [["c1", 240_000, 0, 2], ["c1", 300_000, 0, 4]],
            300_000,
        ),
        ({"c1": held(240_000, 0, 2)}, [["c1", 240_000, 0, 2], ["c1", 300_000, 0, 4]], 300_000),
        ({"c1": held(300_000, 0, 4)}, [["c1", 300_000, 1, 5], ["c1", 300_000, 0, 4]], 330_000),
        ({}, [["c1", 300_000, 0, 3]], 330_000),
        ({}, [["c1", 300_000, 0, 0]], 330_000),
        ({"c1": held(300_000, 0, 9)}, [["c1", 300_000, 0, 4]], 330_000),
        ({"c1": held(240_000, 0, 2)}, [["c1", 240_000, 0, 2], ["c1", 300_001, 0, 4]], 300_000),
        ({"c1": held(240_000, 0, 4)}, [["c1", 240_000, 0, 4], ["c1", 300_000, 0, 4]], 300_000),
        (
            {"c1": held(300_000, 1, 5), "c2": held(240_000, 0, 1)},
            [
                ["c1", 300_000, 0, 4],
                ["c2", 300_000, 0, 3],
                ["c1", 300_000, 1, 5],
                ["c3", 60_000, 0, 1],
            ],
            300_000,
        ),
        ({"c1": held(360_000, 0, 2)}, [["c1", 360_000, 0, 2], ["c1", 300_000, 0, 4]], 330_000),
        ({"c1": held(60_000, 0, 2)}, [["c1", 360_000, 0, 2]], 330_000),
        ({}, [], 330_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="Compare one window: the newest of the replay that was over when the store was read.",
    next_step="Which row of the replay is the newest that was over, and what does the store hold?",
    hints=(
        "Which row of the replay do you compare a stored row with, if it was read at read_ms?",
        "Of two rows of one window, which one is the newer?",
        "In which order do you ask: is there a row, is it of that window, of that revision?",
    ),
    discussion=(
        "The same identity with another number is the alarming one: two programs write one key, or "
        "the definition has changed and its version has not. The other three are the price of "
        "serving early. Go further: late is missing here. Where in the replay would you find it?"
    ),
    equivalent={"if bool(held) == False:": "a row that is stored is never empty"},
    misconceptions=(
        Misconception(
            name="missing-is-fine",
            answer=missing_is_fine,
            rule="A card that the store has lost is served, too: as nothing.",
            next_step="What becomes of a card of the replay that is not in the store?",
        ),
        Misconception(
            name="later-windows-too",
            answer=later_windows_too,
            rule="A window that ended after the reader cannot be blamed on the store.",
            next_step="Which windows of the replay were over when the store was read?",
        ),
        Misconception(
            name="served-minus-replayed",
            answer=served_minus_replayed,
            rule="The gap is recomputed - served: positive where the store said too little.",
            next_step="Does the store say too much or too little for this card?",
        ),
        Misconception(
            name="blames-lateness",
            answer=blames_lateness,
            rule="Same window, same revision, another number: no correction explains that.",
            next_step="Which two fields say that a stored row is the replayed one?",
        ),
    ),
)
