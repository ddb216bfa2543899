"""L12.5: settings that lose or repeat rows."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Settings = dict[str, Json]


def reference(settings: Settings, restart_s: int, broker_most_s: int) -> Settings | None:
    """Return the settings with what has to change changed; None if no timeout fits."""
    least_s = settings["checkpoint_s"] + restart_s
    if least_s > broker_most_s:
        return None
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    return {
        **settings,
        "delivery": "exactly-once",
        "isolation": "read_committed",
        "transaction_timeout_s": timeout_s
        if least_s <= timeout_s <= broker_most_s
        else broker_most_s,
    }


def longest_is_safest(settings: Settings, restart_s: int, broker_most_s: int) -> Settings | None:
    """Leave a timeout that is long enough, whatever the broker takes."""
    least_s = settings["checkpoint_s"] + restart_s
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    found = {**settings, "delivery": "exactly-once", "isolation": "read_committed"}
    found["transaction_timeout_s"] = timeout_s if timeout_s >= least_s else 3_600
    return None if least_s > broker_most_s else found


def forgets_the_restart(settings: Settings, restart_s: int, broker_most_s: int) -> Settings | None:
    """Let the timeout be as long as the interval."""
    least_s = settings["checkpoint_s"]
    if least_s > broker_most_s:
        return None
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    found = {**settings, "delivery": "exactly-once", "isolation": "read_committed"}
    fits = least_s <= timeout_s <= broker_most_s
    found["transaction_timeout_s"] = timeout_s if fits else broker_most_s
    return found


def readers_are_not_ours(settings: Settings, restart_s: int, broker_most_s: int) -> Settings | None:
    """Repair the writer, and leave the readers alone."""
    least_s = settings["checkpoint_s"] + restart_s
    if least_s > broker_most_s:
        return None
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    fits = least_s <= timeout_s <= broker_most_s
    return {
        **settings,
        "delivery": "exactly-once",
        "transaction_timeout_s": timeout_s if fits else broker_most_s,
    }


def missing_is_fine(settings: Settings, restart_s: int, broker_most_s: int) -> Settings | None:
    """Repair only what somebody has written down."""
    least_s = settings["checkpoint_s"] + restart_s
    if least_s > broker_most_s:
        return None
    found = dict(settings)
    for name, value in [("delivery", "exactly-once"), ("isolation", "read_committed")]:
        if name in found:
            found[name] = value
    timeout_s = found.get("transaction_timeout_s")
    if timeout_s is not None and not least_s <= timeout_s <= broker_most_s:
        found["transaction_timeout_s"] = broker_most_s
    return found


def checkpoints_more_often(
    settings: Settings, restart_s: int, broker_most_s: int
) -> Settings | None:
    """Shorten the interval where the timeout does not fit."""
    least_s = settings["checkpoint_s"] + restart_s
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    found = {**settings, "delivery": "exactly-once", "isolation": "read_committed"}
    found["transaction_timeout_s"] = min(timeout_s, broker_most_s)
    if least_s > found["transaction_timeout_s"]:
        found["checkpoint_s"] = max(found["transaction_timeout_s"] - restart_s, 1)
    return found


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the span that a timeout may have, and the first setting that is wrong."""
    settings, restart_s, broker_most_s = args
    least_s = settings["checkpoint_s"] + restart_s
    span = f"the timeout has to be at least {least_s} s and at most {broker_most_s} s"
    if got is None or expected is None:
        found = "there is such a timeout" if expected is not None else "there is none"
        return f"{span}: {found}"
    wrong = [name for name in sorted({*got, *expected}) if got.get(name) != expected.get(name)]
    name = wrong[0]
    mine = f"you say {short(got[name])}" if name in got else "you leave it out"
    was = f"it was {short(settings[name])}" if name in settings else "it was not there"
    return f"{span}\n{name}: {was}, {mine}"


def random_case(rng: Random) -> Args:
    """Draw settings of which some are missing, and limits at which they decide."""
    checkpoint_s, restart_s = rng.choice([1, 10, 30]), rng.choice([0, 60, 300])
    least_s = checkpoint_s + restart_s
    broker_most_s = rng.choice([least_s - 1, least_s, least_s + 1, 900])
    settings: Settings = {"checkpoint_s": checkpoint_s, "topic": rng.choice(["features", "f2"])}
    if rng.random() < 0.6:
        settings["delivery"] = rng.choice(["at-least-once", "exactly-once", "none"])
    if rng.random() < 0.6:
        settings["isolation"] = rng.choice(["read_committed", "read_uncommitted"])
    if rng.random() < 0.75:
        edges = [least_s - 1, least_s, least_s + 1, broker_most_s, broker_most_s + 1, checkpoint_s]
        settings["transaction_timeout_s"] = rng.choice(edges)
    return settings, restart_s, broker_most_s


def _settings(checkpoint_s: int, **others: Json) -> Settings:
    return {"checkpoint_s": checkpoint_s, "topic": "features", **others}


_RIGHT = {"delivery": "exactly-once", "isolation": "read_committed"}

EXERCISE = Exercise(
    id="L12.5",
    name="repaired",
    kind="bug hunt",
    minutes=12,
    task="Repair the settings of a job whose rows come twice, or not at all.",
    reference=reference,
    cases=(
        (_settings(30), 60, 900),
        (_settings(30, transaction_timeout_s=900, **_RIGHT), 60, 900),
        (_settings(30, transaction_timeout_s=60, **_RIGHT), 60, 900),
        (_settings(30, transaction_timeout_s=90, **_RIGHT), 60, 900),
        (_settings(30, transaction_timeout_s=89, **_RIGHT), 60, 300),
        (_settings(10, transaction_timeout_s=901, **_RIGHT), 60, 900),
        (_settings(10, transaction_timeout_s=100, delivery="at-least-once"), 60, 900),
        (_settings(10, transaction_timeout_s=100, isolation="read_uncommitted"), 60, 900),
        (_settings(600, **_RIGHT), 301, 900),
        (_settings(600, **_RIGHT), 300, 900),
        (_settings(600, transaction_timeout_s=3_600, **_RIGHT), 0, 3_600),
        ({"checkpoint_s": 1, "topic": "f2", "isolation": "read_committed"}, 0, 4_000),
    ),
    random_case=random_case,
    equivalent={
        "if not least_s <= timeout_s < broker_most_s:": "what is exactly the most becomes the most",
    },
    trace=trace,
    rule=(
        "Exactly once needs three: "  # no claim: ours
        "a sink that commits, a timeout that outlives a restart, and careful readers."
    ),
    next_step="Which of the three is not as it has to be, and what stands for a missing one?",
    hints=(
        "Which rows come twice, and who could have known that they were not committed?",
        "For how long is a transaction open if the job dies right before its checkpoint?",
        "Who refuses a timeout that is too long, and what happens to rows if it is too short?",
    ),
    discussion=(
        "A transaction that is aborted because nobody came back in time is a loss, and a silent "
        "one, as the checkpoint says that its rows were delivered. "  # no claim: ours
        "So the timeout is chosen by the longest outage, not by the interval. Go further: the "
        "outage lasted longer than the most that is allowed. What do you do before you start?"
    ),
    misconceptions=(
        Misconception(
            name="longest-is-safest",
            answer=longest_is_safest,
            rule=(
                "The broker refuses a "  # claim: kafka-refuses-longer-transactions-than-its-cap
                "timeout above its own maximum: the job does not start."
            ),
            next_step="What does the broker say to the timeout that you return?",
        ),
        Misconception(
            name="forgets-the-restart",
            answer=forgets_the_restart,
            rule="A transaction is open for an interval, and for the restart behind it.",
            next_step="How old is the transaction when the restarted job wants to commit it?",
        ),
        Misconception(
            name="readers-are-not-ours",
            answer=readers_are_not_ours,
            rule="Who reads uncommitted rows gets them twice, however right the writer is.",
            next_step="What does a careless reader see of an aborted transaction?",
        ),
        Misconception(
            name="missing-is-fine",
            answer=missing_is_fine,
            rule="A setting that nobody wrote down has a value, too, and seldom the right one.",
            next_step="Which value does the job take if this line is missing?",
        ),
        Misconception(
            name="shortens-the-interval",
            answer=checkpoints_more_often,
            rule="The interval is how late readers may be told: it was not to change.",
            next_step="Which field did the task forbid you to touch?",
        ),
    ),
)
