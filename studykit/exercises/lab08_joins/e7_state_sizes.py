"""L08.7: how many rows a join holds, after each row that it reads.

The function measures and reads nothing itself. So the same answer can be asked here, for every
order of arrival, and beside a real join of two real topics in the notebook: see
`studykit.services.live.stalled_join`. A mark needs the first only.
"""

from __future__ import annotations

from random import Random

from flink_jobs.engine.joins import IntervalJoin, Side
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

SIDES: dict[str, Side] = {"ad": "left", "click": "right"}


def reference(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Return what the engine's join holds of both sides after each arrival."""
    join: IntervalJoin[None, None] = IntervalJoin(0, upper_ms)
    clocks = {kind: BoundedOutOfOrderness(bound_ms) for kind in SIDES}
    common = WatermarkCombiner(SIDES)
    sizes = []
    for kind, time_ms in arrivals:
        join.on_row(SIDES[kind], "key", time_ms, None)
        clocks[kind].observe(time_ms)
        join.on_watermark(common.advance(kind, clocks[kind].watermark_ms))
        sizes.append([join.held("left"), join.held("right")])
    return sizes


def own_clock(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Free each side by its own watermark."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    sizes = []
    for kind, time_ms in arrivals:
        if len(newest) < 2 or time_ms > min(newest.values()) - bound_ms - 1:
            (ads if kind == "ad" else clicks).append(time_ms)
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        if "ad" in newest:
            ads = [ad for ad in ads if ad + upper_ms > newest["ad"] - bound_ms - 1]
        if "click" in newest:
            clicks = [click for click in clicks if click > newest["click"] - bound_ms - 1]
        sizes.append([len(ads), len(clicks)])
    return sizes


def never_frees(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Keep every row."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    sizes = []
    for kind, time_ms in arrivals:
        if len(newest) < 2 or time_ms > min(newest.values()) - bound_ms - 1:
            (ads if kind == "ad" else clicks).append(time_ms)
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        sizes.append([len(ads), len(clicks)])
    return sizes


def one_side_only(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Hold ads, and let every click go at once."""
    ads: list[int] = []
    newest: dict[str, int] = {}
    sizes = []
    for kind, time_ms in arrivals:
        if kind == "ad" and (len(newest) < 2 or time_ms > min(newest.values()) - bound_ms - 1):
            ads.append(time_ms)
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            ads = [ad for ad in ads if ad + upper_ms > common]
        sizes.append([len(ads), 0])
    return sizes


def freed_by_its_pair(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Let an ad and its click go as soon as both are there."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    sizes = []
    for kind, time_ms in arrivals:
        if len(newest) < 2 or time_ms > min(newest.values()) - bound_ms - 1:
            (ads if kind == "ad" else clicks).append(time_ms)
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        pairs = [(ad, click) for ad in ads for click in clicks if 0 <= click - ad <= upper_ms]
        ads = [ad for ad in ads if ad not in {pair[0] for pair in pairs}]
        clicks = [click for click in clicks if click not in {pair[1] for pair in pairs}]
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            ads = [ad for ad in ads if ad + upper_ms > common]
            clicks = [click for click in clicks if click > common]
        sizes.append([len(ads), len(clicks)])
    return sizes


def furthest_clock(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Go by the side that is further."""
    ads: list[int] = []
    clicks: list[int] = []
    newest_ms = None
    sizes = []
    for kind, time_ms in arrivals:
        if newest_ms is None or time_ms > newest_ms - bound_ms - 1:
            (ads if kind == "ad" else clicks).append(time_ms)
        newest_ms = time_ms if newest_ms is None else max(newest_ms, time_ms)
        ads = [ad for ad in ads if ad + upper_ms > newest_ms - bound_ms - 1]
        clicks = [click for click in clicks if click > newest_ms - bound_ms - 1]
        sizes.append([len(ads), len(clicks)])
    return sizes


def holds_the_late(arrivals: list[list[Json]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Hold a row that comes behind the watermark as if it could still get all of its partners."""
    ads: list[int] = []
    clicks: list[int] = []
    newest: dict[str, int] = {}
    sizes = []
    for kind, time_ms in arrivals:
        (ads if kind == "ad" else clicks).append(time_ms)
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
        if len(newest) == 2:
            common = min(newest.values()) - bound_ms - 1
            ads = [ad for ad in ads if ad + upper_ms > common]
            clicks = [click for click in clicks if click > common]
        sizes.append([len(ads), len(clicks)])
    return sizes


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the arrivals up to the first size that differs, and show both clocks there."""
    arrivals, upper_ms, bound_ms = args
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you give {len(got)} sizes for {len(arrivals)} arrivals: one after each"
    newest: dict[str, int] = {}
    for kind, time_ms in arrivals[: index + 1]:
        newest[kind] = max(time_ms, newest.get(kind, time_ms))
    kind, time_ms = arrivals[index]
    clocks = [f"W of the {name}s {short(at_ms - bound_ms - 1)}" for name, at_ms in newest.items()]
    silent = [f"no {name} yet, so nothing is freed" for name in SIDES if name not in newest]
    return (
        f"arrival {index + 1}, the {kind} at {short(time_ms)}: {', '.join([*clocks, *silent])}\n"
        f"an ad waits for {short(upper_ms)} ms of event time; you say {item(got, index)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to twelve rows of two sides, of which one may be far behind, or stay away."""
    upper_ms, bound_ms = rng.choice([0, 1_000, 4_000]), rng.choice([0, 1, 500])
    now_ms = {"ad": rng.choice([-2_000, 0, 5_000]), "click": rng.choice([-2_000, 0, 5_000])}
    kinds = rng.choice(["ad click", "ad ad click", "ad", "click click ad"]).split()
    arrivals: list[list[Json]] = []
    for _ in range(rng.randrange(13)):
        kind = rng.choice(kinds)
        other_ms = now_ms["click" if kind == "ad" else "ad"]
        step_ms = rng.choice([0, 1, 1_000, 1_001, other_ms + upper_ms - now_ms[kind]])
        now_ms[kind] += max(step_ms, 0)
        back_ms = rng.choice([0, 0, 0, bound_ms, bound_ms + 1, bound_ms + 2])
        arrivals.append([kind, now_ms[kind] - back_ms])
    return arrivals, upper_ms, bound_ms


EXERCISE = Exercise(
    id="L08.7",
    name="state_sizes",
    kind="independent",
    minutes=20,
    task="Return how many ads and clicks a join holds after each row that it reads.",
    reference=reference,
    cases=(
        ([["ad", 1_000], ["click", 2_000]], 5_000, 0),
        ([["ad", 1_000], ["click", 2_000], ["ad", 9_000], ["click", 9_000]], 5_000, 0),
        (
            [["click", 0], ["ad", 0], ["ad", 1_000], ["ad", 2_000], ["ad", 3_000], ["ad", 4_000]],
            1_000,
            0,
        ),
        (
            [["click", 0], ["ad", 0], ["ad", 2_000], ["ad", 4_000], ["click", 5_001]],
            2_000,
            0,
        ),
        ([["ad", 0], ["click", 5_000], ["ad", 5_000], ["click", 6_000]], 4_999, 0),
        ([["ad", 0], ["click", 5_000], ["ad", 5_000], ["click", 6_000]], 4_500, 499),
        ([["click", 1_000], ["click", 2_000], ["click", 3_000], ["ad", 2_001]], 4_000, 0),
        ([["ad", 5_000], ["click", 5_000], ["ad", 4_999], ["ad", 5_000], ["click", 4_998]], 900, 0),
        ([["ad", 5_000], ["click", 5_000], ["ad", 4_499], ["click", 4_500]], 900, 500),
        ([["ad", -3_000], ["click", -4_000], ["ad", -1_000], ["click", -1]], 1_000, 0),
        ([["ad", 9_000], ["ad", 7_000], ["click", 8_000], ["click", 12_000], ["ad", 12_000]], 0, 0),
        ([["ad", 3_000], ["ad", 1_000], ["ad", 90_000]], 2_000, 0),
        ([], 1_000, 0),
    ),
    random_case=random_case,
    trace=trace,
    rule=(
        "Both sides go by the smaller watermark: an ad is freed at ad + upper, a click at its own "
        "time, and while one side is silent nothing is freed."
    ),
    next_step="Which of the two watermarks is the smaller one here, and whom does it free?",
    hints=(
        "What becomes of a row that comes at or behind the common watermark?",
        "While no click comes, what does the watermark of the clicks do?",
        "At the smaller watermark W: until which time may an ad, and until which a click, be free?",
    ),
    discussion=(
        "The memory of a join is the rate of its faster side times the time that the slower one is "
        "behind: no setting of the join bounds it. It looks like a leak, and it is all freed with "
        "the first rows of the side that was silent. Go further: which of two alarms would you "
        "want at night, on the size of the state or on the age of a watermark?"
    ),
    second="""
from heapq import heappop, heappush

NEVER_MS = -(2**63)


def state_sizes(arrivals: list[list], upper_ms: int, bound_ms: int) -> list[list[int]]:
    expiries: list = []  # the row that is freed next comes first: none is looked at in vain
    newest, common_ms = {"ad": NEVER_MS, "click": NEVER_MS}, NEVER_MS
    held, sizes = {"ad": 0, "click": 0}, []
    for kind, time_ms in arrivals:
        if time_ms > common_ms:
            heappush(expiries, (time_ms + (upper_ms if kind == "ad" else 0), kind))
            held[kind] += 1
        newest[kind] = max(newest[kind], time_ms)
        common_ms = min(newest.values()) - bound_ms - 1
        while expiries and expiries[0][0] <= common_ms:
            held[heappop(expiries)[1]] -= 1
        sizes.append([held["ad"], held["click"]])
    return sizes
""",
    misconceptions=(
        Misconception(
            name="own-clock",
            answer=own_clock,
            rule="An ad waits for clicks: that other ads have come frees none of them.",
            next_step="Which input would have to promise that no click comes for this ad?",
        ),
        Misconception(
            name="never-frees",
            answer=never_frees,
            rule="The watermark frees what no partner can reach any more, on both sides.",
            next_step="Which is the last click that the oldest ad may get, and can it still come?",
        ),
        Misconception(
            name="one-side-only",
            answer=one_side_only,
            rule="A click may be read before its ad: until its own time has passed it is held.",
            next_step="Which ad could still come for this click?",
        ),
        Misconception(
            name="freed-by-its-pair",
            answer=freed_by_its_pair,
            rule="A pair frees nothing: the same ad may get another click, up to its last moment.",
            next_step="May a second click for this ad still come?",
        ),
        Misconception(
            name="max-instead-of-min",
            answer=furthest_clock,
            rule="The side that is further promises nothing for the other: the smaller decides.",
            next_step="What may the slower side still send?",
        ),
        Misconception(
            name="holds-the-late",
            answer=holds_the_late,
            rule="A row at or behind the watermark is refused: half of its partners may be gone.",
            next_step="Which watermark did this row meet when it came?",
        ),
    ),
)
