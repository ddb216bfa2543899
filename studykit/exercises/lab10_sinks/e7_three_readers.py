"""L10.7: what three readers get from the same writes, as a real broker gives it to them."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

Steps = list[list[Json]]


def reference(steps: Steps) -> dict[str, Json]:
    """Return what each reader has; a transaction's name may be used again once it has ended."""
    log: list[tuple[int, int]] = []  # which transaction, value
    fate: dict[int, str] = {}
    current: dict[str, int] = {}
    store: dict[str, int] = {}
    for number, (what, name, *row) in enumerate(steps):
        if what != "write":
            fate[current.pop(name, number)] = what
            continue
        key, value = row
        log.append((current.setdefault(name, number), value))
        store[key] = value
    opened = [place for place, (transaction, _) in enumerate(log) if transaction not in fate]
    stable = log[: min(opened, default=len(log))]
    return {
        "uncommitted": [value for _, value in log],
        "committed": [value for transaction, value in stable if fate[transaction] == "commit"],
        "store": store,
    }


def store_commits(steps: Steps) -> dict[str, Json]:
    """Let the store wait for the commit, as if it took part in the transaction."""
    log: list[int] = []
    fates: dict[int, str] = {}
    store: dict[str, int] = {}
    waiting: dict[str, list[list[Json]]] = {}
    for what, name, *row in steps:
        if what == "write":
            waiting.setdefault(name, []).append([len(log), *row])
            log.append(row[1])
        else:
            for place, key, value in waiting.pop(name, []):
                fates[place] = what
                if what == "commit":
                    store[key] = value
    end = min([n for n in range(len(log)) if n not in fates], default=len(log))
    committed = [log[n] for n in range(end) if fates[n] == "commit"]
    return {"uncommitted": log, "committed": committed, "store": store}


def open_is_skipped(steps: Steps) -> dict[str, Json]:
    """Leave out what is open, and go on behind it."""
    log: list[int] = []
    fates: dict[int, str] = {}
    store: dict[str, int] = {}
    waiting: dict[str, list[int]] = {}
    for what, name, *row in steps:
        if what == "write":
            waiting.setdefault(name, []).append(len(log))
            log.append(row[1])
            store[row[0]] = row[1]
        else:
            for place in waiting.pop(name, []):
                fates[place] = what
    committed = [value for n, value in enumerate(log) if fates.get(n) == "commit"]
    return {"uncommitted": log, "committed": committed, "store": store}


def in_order_of_commits(steps: Steps) -> dict[str, Json]:
    """Give the reader of committed records each transaction when it is committed."""
    log: list[int] = []
    committed: list[int] = []
    store: dict[str, int] = {}
    waiting: dict[str, list[int]] = {}
    for what, name, *row in steps:
        if what == "write":
            waiting.setdefault(name, []).append(row[1])
            log.append(row[1])
            store[row[0]] = row[1]
        else:
            values = waiting.pop(name, [])
            committed += values if what == "commit" else []
    return {"uncommitted": log, "committed": committed, "store": store}


def aborted_vanish(steps: Steps) -> dict[str, Json]:
    """Take what is aborted out of the log."""
    log: list[list[Json]] = []
    fates: dict[int, str] = {}
    current: dict[str, int] = {}
    store: dict[str, int] = {}
    for number, (what, name, *row) in enumerate(steps):
        if what == "write":
            log.append([current.setdefault(name, number), row[1]])
            store[row[0]] = row[1]
        else:
            fates[current.pop(name, number)] = what
    seen = [value for transaction, value in log if fates.get(transaction) != "abort"]
    end = min(
        [n for n, (transaction, _) in enumerate(log) if transaction not in fates], default=len(log)
    )
    committed = [value for transaction, value in log[:end] if fates[transaction] == "commit"]
    return {"uncommitted": seen, "committed": committed, "store": store}


def abort_undoes_the_store(steps: Steps) -> dict[str, Json]:
    """Let an abort put the store back to what it held before."""
    log: list[list[Json]] = []
    rows: list[list[Json]] = []
    fates: dict[int, str] = {}
    current: dict[str, int] = {}
    for number, (what, name, *row) in enumerate(steps):
        if what == "write":
            log.append([current.setdefault(name, number), row[1]])
            rows.append([current[name], *row])
        else:
            fates[current.pop(name, number)] = what
    store = {key: value for transaction, key, value in rows if fates.get(transaction) != "abort"}
    end = min(
        [n for n, (transaction, _) in enumerate(log) if transaction not in fates], default=len(log)
    )
    committed = [value for transaction, value in log[:end] if fates[transaction] == "commit"]
    return {"uncommitted": [value for _, value in log], "committed": committed, "store": store}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the steps, and name the first reader who has got something else."""
    (steps,) = args
    played = "; ".join(
        f"{name} writes {row[1]} to {row[0]}" if row else f"{name} {what}s"
        for what, name, *row in steps
    )
    for reader in ("uncommitted", "committed"):
        index = first_difference(got[reader], expected[reader])
        if index < max(len(got[reader]), len(expected[reader])):
            mine, right = item(got[reader], index), item(expected[reader], index)
            return f"{played}\n{reader}, record {index + 1}: {mine} instead of {right}"
    return f"{played}\nthe topic is right; your store holds {short(got['store'])}"


def random_case(rng: Random) -> Args:
    """Draw up to nine steps of three transactions, some of which stay open."""
    steps: Steps = []
    opened: set[str] = set()
    for _ in range(rng.randrange(10)):
        name = rng.choice("ABC")
        if name in opened and rng.random() < 0.5:
            steps.append([rng.choice(["commit", "commit", "abort"]), name])
            opened.discard(name)
        else:
            steps.append(["write", name, rng.choice("xy"), rng.randrange(-1, 4)])
            opened.add(name)
    return (steps,)


EXERCISE = Exercise(
    id="L10.7",
    name="three_readers",
    kind="independent",
    minutes=15,
    task="Return what a careless reader, a careful reader and the store have after some steps.",
    reference=reference,
    cases=(
        ([["write", "A", "x", 5], ["commit", "A"]],),
        ([["write", "A", "x", 5], ["write", "A", "y", 9]],),
        ([["write", "A", "x", 5], ["abort", "A"], ["write", "A", "y", 0], ["commit", "A"]],),
        ([["write", "A", "x", 5], ["write", "B", "y", 9], ["commit", "B"]],),
        ([["write", "A", "x", 5], ["abort", "A"], ["write", "B", "x", 5], ["commit", "B"]],),
        (
            [
                ["write", "A", "x", 5],
                ["write", "B", "x", -9],
                ["commit", "B"],
                ["write", "A", "y", 7],
                ["commit", "A"],
            ],
        ),
        (
            [
                ["write", "A", "x", 1],
                ["write", "B", "x", 2],
                ["abort", "B"],
                ["commit", "A"],
                ["write", "B", "y", 3],
                ["write", "C", "y", 4],
                ["commit", "C"],
            ],
        ),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="Uncommitted: all. Committed: up to the first open transaction. The store: every write.",
    next_step="Which transaction does this record belong to, and what has become of it?",
    hints=(
        "Who decides what is in the store: the transaction, or the write?",
        "What does a careful reader do when the next record is of an open transaction?",
        "In which order are the records that a careful reader gets: of commits, or of the log?",
    ),
    discussion=(
        "One transaction that somebody has forgotten keeps every careful reader waiting, until the "
        "broker ends it. "  # no claim: name
        "And the store, which nobody has told of transactions, shows writes that were taken back. "
        "Go further: what would a store need in order to take part, and who would have to wait?"
    ),
    misconceptions=(
        Misconception(
            name="multi-is-2pc",
            answer=store_commits,
            rule="The store takes no part in the transaction: it has each write when it is made.",
            next_step="Who would tell the store what has become of this transaction?",
        ),
        Misconception(
            name="abort-undoes-the-store",
            answer=abort_undoes_the_store,
            rule="An abort marks records in the topic. The store goes on holding what it was told.",
            next_step="Which step of these takes a write out of the store?",
        ),
        Misconception(
            name="open-is-skipped",
            answer=open_is_skipped,
            rule="A careful reader stops at the first open record: else the order would be lost.",
            next_step="Which record lies before this one, and is its fate known?",
        ),
        Misconception(
            name="order-of-commits",
            answer=in_order_of_commits,
            rule="A log has one order, that of its records. A commit moves none of them.",
            next_step="Which record was written first, and may a careful reader go past it?",
        ),
        Misconception(
            name="aborted-vanish",
            answer=aborted_vanish,
            rule="A log only grows: a careless reader gets what was taken back, too.",
            next_step="Is there a step of these that removes a record?",
        ),
    ),
)
