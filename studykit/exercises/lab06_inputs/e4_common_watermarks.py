"""L06.4: the combiner: reports come in, common watermarks go out."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import MIN_WATERMARK, WatermarkCombiner
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, values
from studykit.exercises.wording import first_difference, item, short


def reference(inputs: list[str], reports: list[list[Json]]) -> list[int | None]:
    """Return what the engine's combiner says after each report."""
    merged = WatermarkCombiner(inputs)
    common = [
        merged.mark_idle(name) if watermark_ms is None else merged.advance(name, watermark_ms)
        for name, watermark_ms in reports
    ]
    return [None if w == MIN_WATERMARK else w for w in common]


def moves_back(inputs: list[str], reports: list[list[Json]]) -> list[int | None]:
    """Return the minimum of the moment, also if it is smaller than the one before."""
    latest: dict[str, Json] = {}
    idle, common = set(), []
    for name, watermark_ms in reports:
        if watermark_ms is None:
            idle.add(name)
        else:
            idle.discard(name)
            latest[name] = max(watermark_ms, latest.get(name, watermark_ms))
        active: list[Json] = [latest.get(name) for name in inputs if name not in idle]
        if not active:
            common.append(max(latest.values(), default=None))
        else:
            common.append(None if None in active else min(active))
    return common


def stays_idle(inputs: list[str], reports: list[list[Json]]) -> list[int | None]:
    """Never take an input in again that was idle once."""
    latest: dict[str, Json] = {}
    idle, common, so_far = set(), [], None
    for name, watermark_ms in reports:
        if watermark_ms is None:
            idle.add(name)
        else:
            latest[name] = max(watermark_ms, latest.get(name, watermark_ms))
        active: list[Json] = [latest.get(name) for name in inputs if name not in idle]
        now = max(latest.values(), default=None) if not active else None
        if active and None not in active:
            now = min(active)
        if now is not None:
            so_far = now if so_far is None else max(so_far, now)
        common.append(so_far)
    return common


def unseen_is_ignored(inputs: list[str], reports: list[list[Json]]) -> list[int | None]:
    """Wait only for inputs that have said something."""
    latest: dict[str, Json] = {}
    idle, common, so_far = set(), [], None
    for name, watermark_ms in reports:
        if watermark_ms is None:
            idle.add(name)
        else:
            idle.discard(name)
            latest[name] = max(watermark_ms, latest.get(name, watermark_ms))
        active = [latest[name] for name in latest if name not in idle]
        now = min(active) if active else max(latest.values(), default=None)
        if now is not None:
            so_far = now if so_far is None else max(so_far, now)
        common.append(so_far)
    return common


def idle_changes_nothing(inputs: list[str], reports: list[list[Json]]) -> list[int | None]:
    """Keep an idle input in the minimum."""
    latest: dict[str, Json] = {}
    common, so_far = [], None
    for name, watermark_ms in reports:
        if watermark_ms is not None:
            latest[name] = max(watermark_ms, latest.get(name, watermark_ms))
        if len(latest) == len(inputs):
            now = min(latest.values())
            so_far = now if so_far is None else max(so_far, now)
        common.append(so_far)
    return common


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the reports up to the first that was answered wrongly."""
    inputs, reports = args
    index = first_difference(got, expected)
    if index == len(reports):
        return f"you return {len(got)} watermarks for {len(reports)} reports"
    latest: dict[str, int] = {}
    idle: set[str] = set()
    for name, watermark_ms in reports[: index + 1]:
        if watermark_ms is None:
            idle.add(name)
        else:
            idle.discard(name)
            latest[name] = max(latest.get(name, watermark_ms), watermark_ms)
    states = [
        f"{name} {'idle' if name in idle else short(latest[name]) if name in latest else 'unheard'}"
        for name in inputs
    ]
    before = f", common before {item(expected, index - 1)}" if index else ""
    mine, right = item(got, index), item(expected, index)
    return f"report {index + 1}: {', '.join(states)}{before}\n{mine} instead of {right}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the common watermark after each report."""
    return values(
        expected, got, "The common watermark after each report.",
        axis="watermark (ms)", marks="reports",
    )  # fmt: skip


def random_case(rng: Random) -> Args:
    """Draw up to ten reports of up to three inputs."""
    inputs = [f"p{number}" for number in range(rng.randrange(1, 4))]
    reports: list[list[Json]] = []
    for _ in range(rng.randrange(11)):
        silent = rng.random() < 0.25
        reports.append([rng.choice(inputs), None if silent else rng.randrange(-2_000, 20_000)])
    return inputs, reports


EXERCISE = Exercise(
    id="L06.4",
    name="common_watermarks",
    kind="independent",
    minutes=15,
    task="Return the common watermark after each report; a report of None says that one is idle.",
    reference=reference,
    cases=(
        (["p0", "p1"], [["p0", 4_999], ["p1", 2_999], ["p1", 7_999]]),
        (["p0", "p1"], [["p0", 4_999], ["p1", None], ["p0", 9_999]]),
        (
            ["p0", "p1"],
            [["p0", 9_999], ["p1", None], ["p1", 3_999], ["p0", 14_999], ["p1", 12_999]],
        ),
        (["p0", "p1"], [["p0", 4_999], ["p0", 2_999], ["p1", 3_999]]),
        (["p0"], [["p0", 5], ["p0", None], ["p0", 3]]),
        (["p0", "p1"], [["p0", 8_999], ["p1", 2_999], ["p0", None], ["p1", None]]),
        (["p0", "p1"], [["p0", None], ["p1", None]]),
        (["p0", "p1"], [["p0", -500], ["p1", 0]]),
        (["p0", "p1", "p2"], [["p0", 1], ["p1", 2], ["p2", 0], ["p2", None], ["p2", 9]]),
        (["p0"], []),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="Smallest of those that are not idle, and never smaller than before.",
    next_step="Which inputs count after this report, and can the result be below the last one?",
    hints=(
        "Which three things do you have to remember between two reports?",
        "What does a report of None change, and what does the next number of that input change?",
        "Where do you compare the new minimum with the last result?",
    ),
    equivalent={
        "nothing = -2 ** 64": "any number below every time stands for nothing said",
        "nothing = -2 ** 62": "any number below every time stands for nothing said",
        "nothing = -3 ** 63": "any number below every time stands for nothing said",
        "active = [latest[name] for name in latest if name not in idle]": (
            "`latest` has every input from the beginning"
        ),
    },
    discussion=(
        "A second answer keeps the inputs in a heap by watermark, so that a report costs log n "
        "instead of n. With a hundred partitions that pays, and with four it does not. Go further: "
        "an input that wakes behind the watermark holds it in place until it has caught up. Who "
        "notices, and how?"
    ),
    misconceptions=(
        Misconception(
            name="moves-back",
            answer=moves_back,
            rule="A watermark is a promise: windows have fired because of it. It never goes back.",
            next_step="Which windows have fired already when the input wakes?",
        ),
        Misconception(
            name="idle-for-ever",
            answer=stays_idle,
            rule="An input that reports again is not idle any more, and counts again.",
            next_step="Where does your code take an input back in?",
        ),
        Misconception(
            name="ignores-unseen-input",
            answer=unseen_is_ignored,
            rule="An input that has said nothing may begin anywhere: nothing is known until then.",
            next_step="For which inputs do you take the minimum: those that spoke, or all?",
        ),
        Misconception(
            name="idle-still-holds",
            answer=idle_changes_nothing,
            rule="An idle input is left out of the minimum, whatever it said before.",
            next_step="What does your code do with a report of None?",
        ),
    ),
)
