"""L06.8: a job prints nothing because a partition is empty: repair the one setting, with a number.

The function decides and does nothing itself. So the same answer can be asked here, for every status
there is, and can repair a real job on a real topic in the notebook: see
`studykit.services.live.silent_job`. A mark needs the first only.
"""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Row = dict[str, Json]
Settings = dict[str, int]


def reference(partitions: list[Row], settings: Settings) -> Settings:
    """Return the settings with an idle timeout above every pause, if a partition is empty."""
    speaking = [row for row in partitions if row["records"]]
    if not speaking or len(speaking) == len(partitions):
        return {**settings}
    longest_ms = max(row["pause_ms"] for row in speaking)
    return {**settings, "idle_ms": longest_ms - longest_ms % 1_000 + 1_000}


def blames_the_sink(partitions: list[Row], settings: Settings) -> Settings:
    """Let the sink write at once, because that is where nothing is seen."""
    return {**settings, "flush_ms": 0}


def raises_the_bound(partitions: list[Row], settings: Settings) -> Settings:
    """Wait longer for events out of order."""
    pauses = [row["pause_ms"] for row in partitions if row["records"]]
    if len(pauses) in (0, len(partitions)):
        return settings
    return {**settings, "bound_ms": max(pauses) // 1_000 * 1_000 + 1_000}


def feeds_the_fast_one(partitions: list[Row], settings: Settings) -> Settings:
    """Read as much at once as the longest queue has."""
    return {**settings, "fetch_rows": max((row["lag"] for row in partitions), default=1)}


def calls_the_slow_idle(partitions: list[Row], settings: Settings) -> Settings:
    """Go by the quickest of those that speak."""
    pauses = [row["pause_ms"] for row in partitions if row["records"]]
    if len(pauses) in (0, len(partitions)):
        return settings
    return {**settings, "idle_ms": min(pauses) // 1_000 * 1_000 + 1_000}


def no_lag_is_empty(partitions: list[Row], settings: Settings) -> Settings:
    """Take a partition that is read to its end for an empty one."""
    pauses = [row["pause_ms"] for row in partitions if row["lag"]]
    if len(pauses) in (0, len(partitions)):
        return settings
    return {**settings, "idle_ms": max(pauses) // 1_000 * 1_000 + 1_000}


def without_need(partitions: list[Row], settings: Settings) -> Settings:
    """Set the timeout whether a partition is empty or not."""
    pauses = [row["pause_ms"] for row in partitions if row["records"]]
    if not pauses:
        return settings
    return {**settings, "idle_ms": max(pauses) // 1_000 * 1_000 + 1_000}


def as_long_as_the_pause(partitions: list[Row], settings: Settings) -> Settings:
    """Round the longest pause up, so that a pause of whole seconds is the timeout itself."""
    pauses = [row["pause_ms"] for row in partitions if row["records"]]
    if len(pauses) in (0, len(partitions)):
        return settings
    return {**settings, "idle_ms": -(-max(pauses) // 1_000) * 1_000}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the status, and the first setting that is not as it must be."""
    partitions, settings = args
    rows = [
        f"{row['name']} holds {short(row['records'])}, lag {short(row['lag'])}, "
        f"pauses {short(row['pause_ms'])}"
        for row in partitions
    ]
    empty = [row["name"] for row in partitions if not row["records"]]
    head = f"{'; '.join(rows) or 'no partition'}\nempty: {', '.join(empty) or 'none'}"
    for name in sorted({*settings, *got}):
        if got.get(name, "missing") != expected.get(name, "missing"):
            was, mine = settings.get(name, "no setting"), got.get(name, "missing")
            return f"{head}\n{name} was {short(was)}, and you leave it at {short(mine)}"
    return head


def random_case(rng: Random) -> Args:
    """Draw up to four partitions, some empty, with pauses around whole seconds."""
    partitions = []
    for number in range(rng.randrange(1, 5)):
        records = rng.choice([0, 1, 7, 350])
        pause_ms = rng.choice([999, 1_000, 1_001, 2_400, 3_000, 4_999]) if records > 1 else 0
        lag = rng.choice([0, 0, 1, records]) if records else 0
        partitions.append(row(f"p{number}", records, lag, pause_ms))
    return partitions, settings(rng.choice([0, 0, 60_000]), rng.choice([0, 2_000]))


def row(name: str, records: int, lag: int, pause_ms: int) -> Row:
    """Return a line of the status: what a partition holds, and what nobody has read of it."""
    return {"name": name, "records": records, "lag": lag, "pause_ms": pause_ms}


def settings(idle_ms: int = 0, bound_ms: int = 500) -> Settings:
    """Return the settings of a job; an idle timeout of 0 disables idleness."""
    return {"bound_ms": bound_ms, "idle_ms": idle_ms, "fetch_rows": 100, "flush_ms": 200}


EXERCISE = Exercise(
    id="L06.8",
    name="repaired_settings",
    kind="independent",
    minutes=15,
    task="Return the settings of a job that prints nothing, with the one that is wrong repaired.",
    reference=reference,
    cases=(
        ([row("p0", 40, 0, 300), row("p1", 0, 0, 0)], settings()),
        ([row("p0", 40, 0, 300), row("p1", 7, 0, 2_400), row("p2", 0, 0, 0)], settings()),
        ([row("p0", 40, 12, 300), row("p1", 7, 0, 2_400), row("p2", 0, 0, 0)], settings()),
        ([row("p0", 40, 0, 300), row("p1", 7, 7, 2_400)], settings()),
        ([row("p0", 40, 0, 3_000), row("p1", 0, 0, 0)], settings()),
        ([row("p0", 40, 0, 999), row("p1", 0, 0, 0)], settings()),
        ([row("p0", 40, 0, 1_001), row("p1", 0, 0, 0)], settings()),
        ([row("p0", 350, 90, 200), row("p1", 0, 0, 0)], settings(idle_ms=60_000)),
        ([row("p0", 1, 0, 0), row("p1", 0, 0, 0), row("p2", 0, 0, 0)], settings(bound_ms=0)),
        ([row("p0", 40, 0, 300)], settings()),
        ([row("p0", 0, 0, 0), row("p1", 0, 0, 0)], settings(idle_ms=2_000)),
        ([], settings()),
    ),
    random_case=random_case,
    trace=trace,
    rule=(
        "An empty partition never speaks: the idle timeout leaves it out, and it has to be longer "
        "than every pause of those that do speak."
    ),
    next_step="Which partition holds nothing at all, and how long are the others ever silent?",
    hints=(
        "Which column tells a partition that has nothing from one that has been read to its end?",
        "Which of the settings takes an input out of the minimum?",
        "Who must not be called idle, and how long is its longest pause?",
    ),
    equivalent={
        "return {**settings, 'idle_ms': (int(max(pauses) / 1000) // 1 + 1) * 1000}": (
            "no pause is negative"
        ),
    },
    discussion=(
        "A pause that was measured is the longest so far, and the next one may be longer: in "
        "production several times the longest is usual, for a timeout that is too long costs only "
        "a delay, and one that is too short costs events. Go further: the empty partition gets "
        "its first record after all, with an old event. What becomes of that event?"
    ),
    misconceptions=(
        Misconception(
            name="blames-the-sink",
            answer=blames_the_sink,
            rule="A sink writes what it is given. No window has fired, so it was given nothing.",
            next_step="Which watermark does the first window wait for, and who holds it back?",
        ),
        Misconception(
            name="raises-the-bound",
            answer=raises_the_bound,
            rule="A larger bound moves every watermark back. An empty partition has none to move.",
            next_step="What is the minimum if one input has never said anything, with any bound?",
        ),
        Misconception(
            name="feeds-the-fast-one",
            answer=feeds_the_fast_one,
            rule="Reading faster brings those forward that speak. The minimum waits for another.",
            next_step="Which partition would be further if everything were read at once?",
        ),
        Misconception(
            name="calls-the-slow-idle",
            answer=calls_the_slow_idle,
            rule="A timeout below a pause leaves out one that speaks, and its events come late.",
            next_step="Which of those that speak is silent for longest, and for how long?",
        ),
        Misconception(
            name="no-lag-is-empty",
            answer=no_lag_is_empty,
            rule="Lag 0 says that all was read. Whether there was anything, `records` says.",
            next_step="Which partitions have lag 0 and hold records all the same?",
        ),
        Misconception(
            name="without-need",
            answer=without_need,
            rule="Where every partition holds records none is empty: what is slow must be read.",
            next_step="Which partition would your timeout leave out here?",
        ),
        Misconception(
            name="as-long-as-the-pause",
            answer=as_long_as_the_pause,
            rule="A timeout as long as the pause is a race: one millisecond more, and it is idle.",
            next_step="What happens if this pause takes a millisecond longer next time?",
        ),
    ),
)
