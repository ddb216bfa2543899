"""L08.6: the join that reports an ad without a click too early, or twice."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.joins import IntervalJoin
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Return the rows of the engine's left join, and the ads that it still holds."""
    join: IntervalJoin[int, int] = IntervalJoin(0, upper_ms, outer="left")
    clocks = {"ad": BoundedOutOfOrderness(bound_ms), "click": BoundedOutOfOrderness(bound_ms)}
    common = WatermarkCombiner(clocks)
    rows: list[list[Json]] = []
    shown: list[int] = []
    for kind, time_ms in arrivals:
        join.on_row("left" if kind == "ad" else "right", "all", time_ms, time_ms)
        rows += sorted([match.left, match.right] for match in join.take())
        shown += [time_ms] if kind == "ad" else []
        clocks[kind].observe(time_ms)
        join.on_watermark(common.advance(kind, clocks[kind].watermark_ms))
        rows += sorted([match.left, None] for match in join.take())
    held = [time_ms for time_ms in shown if time_ms + upper_ms > common.watermark_ms]
    return {"rows": rows, "held": sorted(held)}


def at_once(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Report an ad as soon as it comes, and its click when that comes."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    rows: list[list[Json]] = []
    for kind, time in arrivals:
        if kind == "ad":
            ads.append(time)
            found = [[time, c] for c in clicks if 0 <= c - time <= upper_ms]
            rows += sorted(found) or [[time, None]]
        else:
            clicks.append(time)
            rows += sorted([a, time] for a in ads if 0 <= time - a <= upper_ms)
        newest[kind] = max(time, newest.get(kind, time))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            ads = [a for a in ads if a + upper_ms > common]
            clicks = [c for c in clicks if c > common]
    return {"rows": rows, "held": sorted(ads)}


def twice(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Report every ad at its end as without a click, also one that had one."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    rows: list[list[Json]] = []
    for kind, time in arrivals:
        if kind == "ad":
            ads.append(time)
            rows += sorted([time, c] for c in clicks if 0 <= c - time <= upper_ms)
        else:
            clicks.append(time)
            rows += sorted([a, time] for a in ads if 0 <= time - a <= upper_ms)
        newest[kind] = max(time, newest.get(kind, time))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            rows += [[a, None] for a in sorted(ads) if a + upper_ms <= common]
            ads = [a for a in ads if a + upper_ms > common]
            clicks = [c for c in clicks if c > common]
    return {"rows": rows, "held": sorted(ads)}


def own_clock(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Close an ad by the clock of the ads."""
    ads: list[int] = []
    clicks: list[int] = []
    matched, rows, newest = set(), [], None
    for kind, time in arrivals:
        if kind == "ad":
            ads.append(time)
            found = sorted([time, c] for c in clicks if 0 <= c - time <= upper_ms)
            newest = time if newest is None else max(newest, time)
        else:
            clicks.append(time)
            found = sorted([a, time] for a in ads if 0 <= time - a <= upper_ms)
        rows += found
        matched |= {a for a, _ in found}
        if newest is not None:
            over = [a for a in sorted(ads) if a + upper_ms <= newest - bound_ms - 1]
            rows += [[a, None] for a in over if a not in matched]
            ads = [a for a in ads if a not in over]
    return {"rows": rows, "held": sorted(ads)}


def inner(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Never report an ad without a click."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    rows: list[list[Json]] = []
    for kind, time in arrivals:
        if kind == "ad":
            ads.append(time)
            rows += sorted([time, c] for c in clicks if 0 <= c - time <= upper_ms)
        else:
            clicks.append(time)
            rows += sorted([a, time] for a in ads if 0 <= time - a <= upper_ms)
        newest[kind] = max(time, newest.get(kind, time))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            ads = [a for a in ads if a + upper_ms > common]
    return {"rows": rows, "held": sorted(ads)}


def ad_comes_first(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> dict[str, Json]:
    """Look for ads when a click comes, and for nothing when an ad comes."""
    ads: list[int] = []
    newest: dict[str, int] = {}
    matched, rows = set(), []
    for kind, time in arrivals:
        if kind == "ad":
            ads.append(time)
        else:
            found = sorted([a, time] for a in ads if 0 <= time - a <= upper_ms)
            rows += found
            matched |= {a for a, _ in found}
        newest[kind] = max(time, newest.get(kind, time))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            over = [a for a in sorted(ads) if a + upper_ms <= common]
            rows += [[a, None] for a in over if a not in matched]
            ads = [a for a in ads if a not in over]
    return {"rows": rows, "held": sorted(ads)}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the arrivals, and name the first row, or else the ads held, that differ."""
    arrivals, upper_ms, bound_ms = args
    newest: dict[str, int] = {}
    steps = []
    for kind, time_ms in arrivals:
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        common = short(min(newest.values()) - bound_ms - 1) if len(newest) == 2 else "none"
        steps.append(f"{kind} {short(time_ms)} W={common}")
    index = first_difference(got["rows"], expected["rows"])
    played = "; ".join(steps)
    if index < max(len(got["rows"]), len(expected["rows"])):
        mine, right = (item(result["rows"], index) for result in (got, expected))
        return (
            f"{played}\nrow {index + 1}: {mine} instead of {right}; an ad at l is over when W "
            f"reaches l + {short(upper_ms)}"
        )
    return f"{played}\nthe rows are right; held are {short(got['held'])}"


def random_case(rng: Random) -> Args:
    """Draw ads and clicks with no more disorder on each side than the bound; no time twice."""
    bound_ms = rng.choice([0, 2_000])
    count = rng.randrange(9)
    drawn: list[list[Json]] = [
        [rng.choice(["ad", "click"]), time * 1_000 + rng.choice([0, 0, 1])]
        for time in rng.sample(range(-3, 25), count)
    ]
    skew: dict[str, int] = {"ad": rng.choice([0, 9_000]), "click": 0}
    drawn.sort(key=lambda row: row[1] + skew[row[0]] + rng.choice([0, bound_ms // 2]))
    return drawn, rng.choice([0, 3_000, 5_000]), bound_ms


EXERCISE = Exercise(
    id="L08.6",
    name="run_join",
    kind="bug hunt",
    minutes=20,
    task="Repair the report: each ad with its clicks, and once without if its time is over.",
    reference=reference,
    cases=(
        ([["ad", 1_000], ["click", 3_000]], 5_000, 0),
        ([["ad", 1_000], ["click", 6_000], ["ad", 9_000]], 5_000, 0),
        ([["ad", 1_000], ["click", 9_000], ["ad", 6_001], ["ad", 7_000]], 5_000, 0),
        ([["ad", 1_000], ["click", 3_000], ["click", 8_000], ["ad", 8_000]], 5_000, 0),
        ([["ad", 1_000], ["ad", 20_000], ["click", 4_000], ["click", 21_000]], 5_000, 2_000),
        ([["click", 3_000], ["ad", 1_000], ["ad", 4_000]], 5_000, 2_000),
        ([["ad", 2_000], ["ad", 1_000], ["click", 12_000], ["ad", 12_000]], 3_000, 2_000),
        ([["ad", 0], ["click", 0], ["ad", 1], ["click", 2]], 0, 0),
        ([["ad", -9_000], ["click", -7_000], ["ad", 1_000], ["click", 2_000]], 3_000, 0),
        ([["ad", 2_000], ["ad", 1_000], ["click", 3_000]], 5_000, 2_000),
        ([["ad", 1_000], ["click", 5_000], ["ad", 5_000]], 3_000, 2_000),
        ([["click", 4_000], ["click", 3_000], ["ad", 1_000]], 5_000, 2_000),
        ([["ad", 1_000]], 5_000, 0),
        ([], 5_000, 0),
    ),
    random_case=random_case,
    trace=trace,
    rule="An ad without a click is told once, when no click for it can come any more.",
    next_step="At which common watermark is it certain that this ad has no click?",
    hints=(
        "When is it certain that an ad has no click, and which clock knows that?",
        "What do you have to remember of an ad, besides its time?",
        "In which order: find partners, remember, move both clocks, report what is over?",
    ),
    discussion=(
        "At once and twice are one belief: that a join may guess and take it back. A sink that "
        "overwrites by key would forgive it, one that appends would not. Go further: clicks need "
        "freeing, too. What would the report look like if a click without an ad had to be told?"
    ),
    misconceptions=(
        Misconception(
            name="at-once",
            answer=at_once,
            rule="That there is no click yet does not say that there will be none.",
            next_step="What do you do with the row that you wrote when the click comes?",
        ),
        Misconception(
            name="twice",
            answer=twice,
            rule="An ad that has had a click is not without one: its end is not told.",
            next_step="What do you remember of an ad when its click comes?",
        ),
        Misconception(
            name="own-clock",
            answer=own_clock,
            rule="The clock of the ads knows nothing of clicks: take the smaller of both.",
            next_step="Which click could still come when you close this ad?",
        ),
        Misconception(
            name="inner",
            answer=inner,
            rule="The ads without a click are the half of the report that nobody sees elsewhere.",
            next_step="What becomes of an ad whose time is over and that had no click?",
        ),
        Misconception(
            name="first-side-assumed",
            answer=ad_comes_first,
            rule="A click may be read before its ad: the two come through different logs.",
            next_step="What does your code do with an ad whose click is there already?",
        ),
    ),
)
