"""L05.5: the job that groups by window_start only."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short, window
from studykit.trace.steps import Policy
from studykit.trace.stories import BOUND_MS, SIZE_MS, STORY


def reference(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Return what the engine's own operator prints and still holds."""
    clock = BoundedOutOfOrderness(bound_ms)
    windows = SlidingWindows.tumbling(size_ms)
    operator = SlidingOperator(windows, CountSumMax(), clock)
    rows: list[list[int]] = []
    live: set[int] = set()
    late = 0
    for offset, (event_ms, value) in enumerate(events):
        missed = bool(operator.on_event("all", event_ms, value, offset))
        late += missed
        live |= set() if missed else {windows.pane_start(event_ms)}
        clock.observe(event_ms)
        operator.on_watermark()
        for firing in operator.take():
            rows.append([firing.start_ms, firing.end_ms, firing.result.total])
            live.discard(firing.start_ms)
    return {"rows": rows, "open": sorted(live), "late": late}


def updates(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Print a new row for each event, and keep everything."""
    rows = []
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // size_ms * size_ms
        sums[start] = sums.get(start, 0) + value
        rows.append([start, start + size_ms, sums[start]])
    return {"rows": rows, "open": sorted(sums), "late": 0}


def never_frees(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Print each window once, and never forget it."""
    rows, done, late, watermark = [], set(), 0, None
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // size_ms * size_ms
        if watermark is not None and start + size_ms - 1 <= watermark:
            late += 1
        else:
            sums[start] = sums.get(start, 0) + value
        mine = event_ms - bound_ms - 1
        watermark = mine if watermark is None else max(watermark, mine)
        for start in sorted(sums):
            if start not in done and start + size_ms - 1 <= watermark:
                rows.append([start, start + size_ms, sums[start]])
                done.add(start)
    return {"rows": rows, "open": sorted(sums), "late": late}


def reopens(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Open a window again for an event that is too late for it."""
    rows, watermark = [], None
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // size_ms * size_ms
        sums[start] = sums.get(start, 0) + value
        mine = event_ms - bound_ms - 1
        watermark = mine if watermark is None else max(watermark, mine)
        for start in sorted(sums):
            if start + size_ms - 1 <= watermark:
                rows.append([start, start + size_ms, sums.pop(start)])
    return {"rows": rows, "open": sorted(sums), "late": 0}


def fires_at_end(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Wait until the watermark reaches the end itself."""
    rows, late, watermark = [], 0, None
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // size_ms * size_ms
        if watermark is not None and start + size_ms <= watermark:
            late += 1
        else:
            sums[start] = sums.get(start, 0) + value
        mine = event_ms - bound_ms - 1
        watermark = mine if watermark is None else max(watermark, mine)
        for start in sorted(sums):
            if start + size_ms <= watermark:
                rows.append([start, start + size_ms, sums.pop(start)])
    return {"rows": rows, "open": sorted(sums), "late": late}


def flushes(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Json]:
    """Print what is still open when the list of events ends."""
    rows, late, watermark = [], 0, None
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // size_ms * size_ms
        if watermark is not None and start + size_ms - 1 <= watermark:
            late += 1
        else:
            sums[start] = sums.get(start, 0) + value
        mine = event_ms - bound_ms - 1
        watermark = mine if watermark is None else max(watermark, mine)
        for start in sorted(sums):
            if start + size_ms - 1 <= watermark:
                rows.append([start, start + size_ms, sums.pop(start)])
    rows += [[start, start + size_ms, sums[start]] for start in sorted(sums)]
    return {"rows": rows, "open": [], "late": late}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the events, and name the first row, or else the field, that differs."""
    events, _, bound_ms = args
    clock = BoundedOutOfOrderness(bound_ms)
    steps = []
    for event_ms, _ in events:
        clock.observe(event_ms)
        steps.append(f"t={short(event_ms)} W={short(clock.watermark_ms)}")
    index = first_difference(got["rows"], expected["rows"])
    if index < max(len(got["rows"]), len(expected["rows"])):
        mine, right = (item(result["rows"], index) for result in (got, expected))
        row = expected["rows"][index] if index < len(expected["rows"]) else got["rows"][index]
        return (
            f"{', '.join(steps)}\nrow {index + 1}: {mine} instead of {right}\n"
            f"{window(row[0], row[1])} is complete when W reaches {short(row[1] - 1)}"
        )
    name = next(name for name in ("open", "late") if got.get(name) != expected[name])
    mine, right = short(got.get(name)), short(expected[name])
    return f"{', '.join(steps)}\nthe rows are right; {name!r} is {mine} instead of {right}"


def scene(args: Args, _got: Json, _expected: Json) -> Scene | None:
    """Show what every window has come to when the last event has been."""
    events, size_ms, bound_ms = args
    if any(event_ms < 0 for event_ms, _ in events):
        return None
    return Scene(
        figure="watermark_stepper",
        events=arriving(*zip(*events, strict=True)),
        policy=Policy(bound_ms=bound_ms, size_ms=size_ms),
        number=len(events),
        moment="followed",
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight events, many of which just complete a window, or just do not."""
    size_ms = rng.choice([1_000, 5_000, 10_000])
    bound_ms = rng.choice([0, 1, 2_000, 4_000, 12_000])
    ends = [size_ms * rng.randrange(-3, 5) for _ in range(4)]
    moments = [end_ms - 1 + bound_ms + rng.choice([-1, 0, 1]) for end_ms in ends]
    times = [rng.choice([*moments, *ends, -1]) for _ in range(rng.randrange(9))]
    if rng.random() < 0.5:
        times.sort(key=lambda time_ms: time_ms + rng.choice([0, size_ms + bound_ms]))
    return [[time_ms, rng.randrange(-2, 9)] for time_ms in times], size_ms, bound_ms


EXERCISE = Exercise(
    id="L05.5",
    name="run_job",
    kind="bug hunt",
    minutes=20,
    task="Repair the job: each window is printed once, when it is complete, and then forgotten.",
    reference=reference,
    cases=(
        ([[2_000, 5], [5_000, 9], [16_000, 1]], 10_000, 4_000),
        ([[2_000, 5], [14_000, 8]], 10_000, 4_000),
        ([[2_000, 5], [14_000, 8], [6_000, 2]], 10_000, 4_000),
        ([[31_000, 1], [22_000, 2], [45_000, 3]], 10_000, 10_000),
        ([[event.event_ms, event.value] for event in STORY], SIZE_MS, BOUND_MS),
        ([[2_000, 5], [13_999, 8]], 10_000, 4_000),
        ([[11_000, 1], [9_000, 2], [30_000, 3]], 10_000, 4_000),
        ([[2_000, 5], [7_000, 1]], 5_000, 0),
        ([[-7_000, 5]], 10_000, 0),
        ([], 10_000, 4_000),
    ),
    equivalent=dict.fromkeys(
        ("closed_ms = -2 ** 64", "closed_ms = -2 ** 62", "closed_ms = -3 ** 63"),
        "Any number before all event times stands for a watermark that is not there yet.",
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A window prints one row, when W reaches end - 1, and then owns no state any more.",
    next_step="After which event is the first window complete? What should be left of it then?",
    hints=(
        "How many rows should one window print, and what tells you that it is complete?",
        "What do you have to remember beside the sums, to know how far event time has come?",
        "In which order: is the event judged, is it added, does W move, does a window fire?",
    ),
    discussion=(
        "In SQL the repair is one more column, GROUP BY window_start, window_end. "
        "To Flink one is no window: "  # claim: flink-window-start-only-is-no-window-aggregation
        "it updates a row with every event, "
        "and it keeps every row. "  # claim: flink-group-by-keeps-every-group
        "Go further: which alarm would have found the job that only looked right?"
    ),
    misconceptions=(
        Misconception(
            name="row-per-event",
            answer=updates,
            rule="Grouped by window_start only, a job does not know what a window is: it updates "
            "with every event and ignores the watermark.",
            next_step="How many rows does one window print, and which of them is final?",
        ),
        Misconception(
            name="never-frees",
            answer=never_frees,
            rule="A window that has fired takes no more events: its state is freed, or the memory "
            "fills.",
            next_step="What is left in your sums of a window that has fired?",
        ),
        Misconception(
            name="reopens",
            answer=reopens,
            rule="An event for a window that has fired is late: it opens no second window of that "
            "span.",
            next_step="What do you ask about the window before you add an event to it?",
        ),
        Misconception(
            name="fires-at-end",
            answer=fires_at_end,
            rule="The window is complete when W reaches its last millisecond, end - 1.",
            next_step="With which time do you compare the watermark, and is that time inside the "
            "window?",
        ),
        Misconception(
            name="flushes-at-the-end",
            answer=flushes,
            rule="That a job stops says nothing about event time: open windows stay open.",
            next_step="Which watermark allows you to print the last window?",
        ),
    ),
)
