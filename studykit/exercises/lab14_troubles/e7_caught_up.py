"""L14.7: a job that was away: what is lost, and when it has caught up."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(away_s: int, sent_a_s: int, able_a_s: int, kept_s: int) -> list[int | None]:
    """Return the records that are gone at the start, and the seconds to catch up; None if never."""
    gone = max(0, away_s - kept_s) * sent_a_s
    waiting = away_s * sent_a_s - gone
    if waiting == 0:
        return [gone, 0]
    if able_a_s <= sent_a_s:
        return [gone, None]
    return [gone, ceil(Fraction(waiting, able_a_s - sent_a_s))]


def reads_faster_forever(
    away_s: int, sent_a_s: int, able_a_s: int, kept_s: int
) -> list[int | None]:
    """Divide what waits by the capacity, as if nothing came meanwhile."""
    waiting = min(away_s, kept_s) * sent_a_s
    return [max(0, away_s - kept_s) * sent_a_s, -(-waiting // able_a_s)]


def as_long_as_away(away_s: int, sent_a_s: int, able_a_s: int, kept_s: int) -> list[int | None]:
    """Let the job need as long as it was away, where it can read more than comes."""
    waiting = min(away_s, kept_s) * sent_a_s
    never = able_a_s <= sent_a_s and waiting > 0
    return [max(0, away_s - kept_s) * sent_a_s, None if never else min(away_s, kept_s)]


def log_keeps_all(away_s: int, sent_a_s: int, able_a_s: int, kept_s: int) -> list[int | None]:
    """Let the log keep everything."""
    waiting = away_s * sent_a_s
    if able_a_s <= sent_a_s:
        return [0, None if waiting else 0]
    return [0, -(-waiting // (able_a_s - sent_a_s))]


def reads_what_is_gone(away_s: int, sent_a_s: int, able_a_s: int, kept_s: int) -> list[int | None]:
    """Tell what is gone, and count it among what waits."""
    waiting = away_s * sent_a_s
    gone = max(0, away_s - kept_s) * sent_a_s
    if able_a_s <= sent_a_s:
        return [gone, None if waiting else 0]
    return [gone, -(-waiting // (able_a_s - sent_a_s))]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show what waits, what comes and what is left over."""
    away_s, sent_a_s, able_a_s, kept_s = args
    sent = away_s * sent_a_s
    told = (
        f"sent meanwhile {short(sent)}; the log keeps the last {short(kept_s)} s: "
        f"{short(expected[0])} are gone"
    )
    if got[0] != expected[0]:
        return f"{told}\nyou say that {short(got[0])} are gone"
    return (
        f"{told}\n{short(sent - expected[0])} wait, {short(sent_a_s)} a second come, "
        f"{short(able_a_s)} are read; you say {short(got[1])} s"
    )


def random_case(rng: Random) -> Args:
    """Draw absences around the time for which the log is kept, and capacities around arrivals."""
    sent = rng.choice([0, 1, 7, 100])
    away = rng.choice([0, 1, 59, 3_600, 86_400])
    kept = max(0, away + rng.choice([-60, -1, 0, 1, 3_600]))
    return away, sent, max(1, sent + rng.choice([-1, 0, 1, 3, 30, 100])), kept


EXERCISE = Exercise(
    id="L14.7",
    name="caught_up",
    kind="independent",
    minutes=10,
    task="Say what an absence has cost, and after how many seconds the job has caught up.",
    reference=reference,
    cases=(
        (86_400, 100, 130, 604_800),
        (86_400, 100, 100, 604_800),
        (86_400, 100, 99, 604_800),
        (3_600, 7, 10, 604_800),
        (100, 1, 4, 604_800),
        (86_400, 100, 200, 3_600),
        (60, 10, 30, 60),
        (61, 10, 30, 60),
        (61, 10, 10, 60),
        (0, 100, 100, 60),
        (60, 0, 1, 30),
        (60, 100, 101, 600),
        (60, 10, 10, 0),
    ),
    random_case=random_case,
    trace=trace,
    rule="Time = what waits / (capacity - arrivals), and what the log has deleted waits no more.",
    next_step="How many records less wait after one second of work?",
    hints=(
        "Which number would tell you how fast the lag falls?",
        "How many records does the log still hold when the job is back?",
        "What is left over of each second, and what if nothing is?",
    ),
    discussion=(
        "Law 2 is a division, and it explains weekends: a tenth of headroom makes ten days of one. "
        "Go further: while the job catches up, it holds more state than usual. Which of your "
        "limits does it meet first?"
    ),
    misconceptions=(
        Misconception(
            name="reads-faster-forever",
            answer=reads_faster_forever,
            rule="New records go on coming: only what is left over works off what waits.",
            next_step="How many records come while the job reads what has been waiting?",
        ),
        Misconception(
            name="as-long-as-away",
            answer=as_long_as_away,
            rule="How long it takes depends on the headroom: it may be an hour, or for ever.",
            next_step="How many records a second more than those that come does the job read?",
        ),
        Misconception(
            name="log-keeps-all",
            answer=log_keeps_all,
            rule="A log keeps records for some time, whether they were read or not.",
            next_step="How old is the oldest record when the job is back?",
        ),
        Misconception(
            name="reads-what-is-gone",
            answer=reads_what_is_gone,
            rule="What the log has deleted need not be read any more, and never will be.",
            next_step="How many records are in the log when the job is back?",
        ),
    ),
)
