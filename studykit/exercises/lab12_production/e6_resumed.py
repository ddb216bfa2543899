"""L12.6: what a start makes of a savepoint."""  # no claim: ours

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Saved = dict[str, list[int]]
JobPlan = list[list[Json]]


def reference(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Return what stops the start, else whose state goes on and which operators begin empty."""
    named = {uid: (most, size_ms) for uid, most, size_ms in plan if uid is not None}
    refused = sorted(
        uid
        for uid, (most, size_ms) in saved.items()
        if (named[uid] != (most, size_ms) if uid in named else not may_drop)
    )
    if refused:
        return {"refused": refused, "kept": [], "empty": []}
    return {
        "refused": [],
        "kept": sorted(uid for uid in named if uid in saved),
        "empty": [place for place, (uid, *_) in enumerate(plan) if uid not in saved],
    }


def by_their_places(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Give the first state to the first operator, the second to the second."""
    refused = [
        uid
        for place, (uid, held) in enumerate(saved.items())
        if (plan[place][1:] != held if place < len(plan) else not may_drop)
    ]
    if refused:
        return {"refused": sorted(refused), "kept": [], "empty": []}
    kept = list(saved)[: len(plan)]
    return {"refused": [], "kept": sorted(kept), "empty": list(range(len(kept), len(plan)))}


def drops_silently(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Start without what nobody claims."""
    named = {row[0]: row[1:] for row in plan if row[0] is not None}
    refused = sorted(uid for uid in saved if uid in named and named[uid] != saved[uid])
    if refused:
        return {"refused": refused, "kept": [], "empty": []}
    empty = [place for place, row in enumerate(plan) if row[0] not in saved]
    return {"refused": [], "kept": sorted(uid for uid in named if uid in saved), "empty": empty}


def refuses_new_ones(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Stop at an operator that the saved state does not know."""
    named = {row[0]: row[1:] for row in plan if row[0] is not None}
    refused = {uid for uid in saved if uid in named and named[uid] != saved[uid]}
    refused |= {uid for uid in saved if uid not in named and not may_drop}
    refused |= {uid for uid in named if uid not in saved}
    if refused:
        return {"refused": sorted(refused), "kept": [], "empty": []}
    empty = [place for place, row in enumerate(plan) if row[0] is None]
    return {"refused": [], "kept": sorted(uid for uid in named if uid in saved), "empty": empty}


def any_window_will_do(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Let a window of another size go on with the old one's state."""
    named = {row[0]: row[1:] for row in plan if row[0] is not None}
    refused = {uid for uid in saved if uid in named and named[uid][0] != saved[uid][0]}
    refused |= {uid for uid in saved if uid not in named and not may_drop}
    if refused:
        return {"refused": sorted(refused), "kept": [], "empty": []}
    empty = [place for place, row in enumerate(plan) if row[0] not in saved]
    return {"refused": [], "kept": sorted(uid for uid in named if uid in saved), "empty": empty}


def may_grow(saved: Saved, plan: JobPlan, may_drop: bool) -> dict[str, Json]:
    """Let the greatest parallelism grow, and refuse a smaller one only."""
    named = {row[0]: row[1:] for row in plan if row[0] is not None}
    refused = {uid for uid in saved if uid not in named and not may_drop}
    for uid, (most, size_ms) in saved.items():
        if uid in named and (named[uid][0] < most or named[uid][1] != size_ms):
            refused.add(uid)
    if refused:
        return {"refused": sorted(refused), "kept": [], "empty": []}
    empty = [place for place, row in enumerate(plan) if row[0] not in saved]
    return {"refused": [], "kept": sorted(uid for uid in named if uid in saved), "empty": empty}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say of each saved state who claims it, and of the first operator that differs what it has."""
    saved, plan, may_drop = args
    named = {row[0]: row[1:] for row in plan}
    said = []
    for uid, held in saved.items():
        if uid not in named:
            allowed = "may" if may_drop else "may not"
            said.append(f"{uid}: nobody claims it, and it {allowed} be dropped")
        elif named[uid] != held:
            said.append(f"{uid}: saved as {short(held)}, asked for as {short(named[uid])}")
        else:
            said.append(f"{uid}: claimed as it was saved")
    wrong = next(name for name in expected if got.get(name) != expected[name])
    return f"{'; '.join(said) or 'nothing is saved'}\n{wrong}: you say {short(got.get(wrong))}"


def random_case(rng: Random) -> Args:
    """Draw a saved state, and a plan that was changed in a place or two."""
    uids = rng.sample(["clock", "fraud", "sessions", "letters"], rng.randrange(4))
    saved = {uid: [rng.choice([128, 1024]), rng.choice([0, 300_000])] for uid in uids}
    plan: JobPlan = [[uid, *held] for uid, held in saved.items()]
    for row in list(plan):
        change = rng.choice(["", "", "", "", "gone", "unnamed", "most", "size", "new"])
        if change == "gone":
            plan.remove(row)
        elif change == "unnamed":
            row[0] = None
        elif change == "most":
            row[1] = rng.choice([127, 129, 2048])
        elif change == "size":
            row[2] += rng.choice([-1, 1, 60_000])
        elif change == "new":
            plan.insert(0, ["totals", 128, 60_000])
            break
    rng.shuffle(plan)
    return saved, plan, rng.choice([False, False, True])


_SAVED = {"clock": [128, 0], "fraud": [128, 300_000]}
_MANY = {
    uid: [128, 0]
    for uid in ("sessions", "fraud", "letters", "clock", "totals", "rates", "joins", "audit")
}
"""So many that an order by chance is not the right one."""
_CLOCK, _FRAUD = ["clock", 128, 0], ["fraud", 128, 300_000]

EXERCISE = Exercise(
    id="L12.6",
    name="resumed",
    kind="independent",
    minutes=15,
    task="Say what a start makes of a saved state: refused, kept, or begun empty.",
    reference=reference,
    cases=(
        (_SAVED, [_CLOCK, _FRAUD], False),
        (_SAVED, [_FRAUD, _CLOCK], False),
        (_SAVED, [_CLOCK], False),
        (_SAVED, [_CLOCK], True),
        (_SAVED, [_CLOCK, ["fraud", 128, 600_000]], False),
        (_SAVED, [_CLOCK, ["fraud", 128, 600_000]], True),
        (_SAVED, [_CLOCK, ["fraud", 256, 300_000]], False),
        (_SAVED, [["clock", 64, 0], _FRAUD], True),
        (_SAVED, [["totals", 128, 60_000], _CLOCK, _FRAUD], False),
        (_SAVED, [_CLOCK, [None, 128, 300_000]], False),
        (_SAVED, [_CLOCK, [None, 128, 300_000]], True),
        ({"sessions": [128, 0], **_SAVED}, [["fraud", 128, 1]], False),
        ({}, [_CLOCK, [None, 128, 0]], False),
        ({}, [], False),
        (_MANY, [[uid, *held] for uid, held in _MANY.items()], False),
    ),
    random_case=random_case,
    trace=trace,
    rule="State goes by its uid: claimed as it was saved, or the start is refused.",
    next_step="Who claims this state, under which uid, and is it the state that it needs?",
    hints=(
        "By what does a start find out whose state this is: by its place, or by its name?",
        "What is the most dangerous thing to do with a state that nobody claims?",
        "A window of another size finds panes of the old one: what would its first row say?",
    ),
    discussion=(
        "A refusal at the start costs a minute; a state that was dropped, or read as something "
        "else, costs a week of wrong rows. So let everything stop that is not exactly claimed, and "
        "allow each exception by hand. Go further: the window has to change. In which order do "
        "you stop, replay and switch over?"
    ),
    misconceptions=(
        Misconception(
            name="by-their-places",
            answer=by_their_places,
            rule="State is found by the uid of its operator, wherever that stands in the plan.",
            next_step="Which operator of the plan has this uid?",
        ),
        Misconception(
            name="drops-silently",
            answer=drops_silently,
            rule=(
                "State that nobody claims stops "  # claim: flink-unclaimed-state-stops-the-start
                "the start, unless dropping it was allowed."
            ),
            next_step="What has become of the state of the operator that is gone?",
        ),
        Misconception(
            name="refuses-new-ones",
            answer=refuses_new_ones,
            rule="A new operator has no state to be found: it begins empty.",
            next_step="What should an operator go on from that did not exist before?",
        ),
        Misconception(
            name="any-window-will-do",
            answer=any_window_will_do,
            rule="State of another window is read without an error, and gives wrong rows.",
            next_step="Which windows do the saved panes belong to?",
        ),
        Misconception(
            name="may-grow",
            answer=may_grow,
            rule="The greatest parallelism is part of the state: neither less nor more fits.",
            next_step="Into how many key groups was this state cut?",
        ),
    ),
)
