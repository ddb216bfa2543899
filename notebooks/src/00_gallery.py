# %% [markdown]
# # Gallery
#
# Every figure of the course on one page. After it you know which picture answers which question.
#
# All but the tenth and the last six show the same ten events, the story of the lessons. Each
# picture is drawn from a recorded run of the engine. The sentence above it says the same in words,
# and *show as table* says it in numbers. Move a slider with the arrow keys, or press play.
#
# Needs nothing but this notebook. *Run → Run All Cells* brings the controls to life.

# %% tags=["setup"]
from pathlib import Path

from studykit import (
    assigners,
    bound_tradeoff,
    comparison,
    job_view,
    join_lanes,
    keyed_state,
    live_state,
    marbles,
    min_watermark,
    panes,
    two_clocks,
)

RECORDINGS = Path("..").resolve() / "studykit" / "flink" / "recordings"

# %% [markdown]
# The story is run twice: with windows over all events, and with windows for each key. Its end is
# step 16, and you can go back from there.

# %% tags=["setup"]
from msgspec.structs import replace

from studykit import (
    STORY,
    STORY_POLICY,
    Explorer,
    Marbles,
    Stepper,
    simulate,
    watermark_stepper,
    window_life,
)
from studykit.flink.recording import load

story = simulate(STORY, STORY_POLICY)
keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
end = len(story.steps)

# %% tags=["setup"]
from studykit import (
    DAY_MS,
    JoinRow,
    joined,
    kill_map,
    killed_everywhere,
    month,
    sunk,
    three_holders,
    three_readers,
    watched,
)

# %% [markdown]
# ## 1. Two clocks
#
# Each event has a time at which it happened and one at which it arrived. **Which event waited
# longest?** Lesson 01.

# %% tags=["widget", "figure"]
Stepper(story, two_clocks, step=end, stills=[end])

# %% [markdown]
# ## 2. Watermark, windows and verdicts
#
# The watermark passes, windows fire, events turn late. **Which smallest bound drops nothing, and
# what does it cost?** Lessons 02 and 05.

# %% tags=["widget", "figure"]
# A picture to step through
Explorer(STORY, watermark_stepper, STORY_POLICY, stills=[end])

# %% [markdown]
# ## 3. The life of a window
#
# State is opened, fires, perhaps fires again, and goes. **When may this state be freed?** Lesson
# 03.

# %% tags=["widget", "figure"]
# A picture to step through
Stepper(keyed, window_life, step=end, stills=[end])

# %% [markdown]
# ## 4. Marbles
#
# A lane for each key, the ticks of the watermark, and what comes out; below, the same as a line of
# text. **Which single move makes this event late?** Lessons 02 and 05.

# %% tags=["widget", "figure"]
Stepper(story, marbles, step=end, stills=[end])

# %% [markdown]
# Here they can be moved: drag one, or reach it with Tab and press the arrow keys.

# %% tags=["widget", "figure"]
Marbles(STORY, STORY_POLICY)

# %% [markdown]
# ## 5. Four ways to cut time
#
# The same events in tumbling, sliding, session and global windows. **Which event joins two
# sessions?** Lesson 04.

# %% tags=["widget", "figure"]
# A picture to step through
policy = replace(STORY_POLICY, slide_ms=5_000, gap_ms=2_000)
Explorer(STORY, assigners, policy, knobs=["size", "slide", "gap"], stills=[end])

# %% [markdown]
# ## 6. Completeness against delay
#
# What a bound keeps, and what it costs. **Which bound keeps 99 %?** Lesson 02.

# %% tags=["widget", "figure"]
# A picture to step through
Explorer(STORY, bound_tradeoff, STORY_POLICY, knobs=["bound"], stills=[end])

# %% [markdown]
# ## 7. The smallest watermark wins
#
# Now each key comes through an input of its own. The slower input is the clock of both. **Why is
# nothing printed?** Lesson 06.

# %% tags=["widget", "figure"]
# A picture to step through
inputs = [replace(event, source=f"input {event.key}") for event in STORY]
Explorer(inputs, min_watermark, STORY_POLICY, knobs=["bound", "idle"])

# %% [markdown]
# ## 8. State by key
#
# State lives with its key, and a key lives on one *subtask*, one of the copies of an operator that
# share its work. <!-- claim: flink-a-key-lives-on-one-subtask --> **What moves when the parallelism
# changes?** Lesson 07.

# %% tags=["widget", "figure"]
# A picture to step through
Stepper(keyed, keyed_state, step=end, stills=[end])

# %% [markdown]
# ## 9. Discard, accumulate, retract
#
# Three ways to correct a result that has been given already. **Which mode breaks a sink that adds
# up what it gets?** Lesson 05.

# %% tags=["widget", "figure"]
Stepper(story, panes, step=end, stills=[end])

# %% [markdown]
# ## 10. A job at work
#
# Not the story, but a recording of a real Flink job with a slow Python function in it: what each
# operator said of itself, second by second. <!-- no claim: ours --> **Which operator is the first
# slow one?** Lesson 14.

# %% tags=["widget", "figure"]
# A picture to step through
recording = load(RECORDINGS / "slow_python_function.json")
Stepper(recording, job_view, step=23, stills=[23])

# %% [markdown]
# ## 11. Two policies, one axis
#
# The same ten events, once with a bound of 7 s, once with a bound of 4 s and 3 s of allowed
# lateness. **Which policy tells first, and which tells the truth?** Lessons 02 and 05.

# %% tags=["widget", "figure"]
from studykit import Policy, compare

both = compare(STORY, {"wait 7 s": Policy(bound_ms=7_000), "correct after 4 s": STORY_POLICY})
Stepper(both, comparison, step=len(both.moments))

# %% [markdown]
# ## 12. What a join holds
#
# Ads on the left, clicks on the right, and a band of ten seconds: what is paired, what waits, and
# how many rows are held. **When may one side stop waiting?** Lesson 08.

# %% tags=["widget", "figure"]
# A picture to step through
order = [("left", 2_000), ("right", 5_000), ("left", 6_000), ("right", 14_000)]
clicks = joined([JoinRow(*row) for row in order], lower_ms=0, upper_ms=10_000)
Stepper(clicks, join_lanes, step=4, stills=[4])

# %% [markdown]
# ## 13. Live state
#
# A month of payments, some sent twice, and three ways to remember which have come. **Who frees this
# byte?** Lesson 07.

# %% tags=["widget", "figure"]
kept = watched(month(), three_holders(5 * DAY_MS))
Stepper(kept, live_state, step=len(kept.moments))

# %% [markdown]
# ## 14. Three readers of a sink
#
# A job that writes to a topic in transactions, and to a store, is killed between a write and a
# checkpoint. <!-- no claim: ours --> **Who sees what twice, and who sees what is taken back?**
# Lesson 10.

# %% tags=["widget", "figure"]
# A picture to step through
killed = sunk([5, 9, 3, 4, 7, 8], [5, 9, 4, 3, 7, 8], killed_after=4)
Stepper(killed, three_readers, step=len(killed.steps))

# %% [markdown]
# ## 15. Served and recomputed
#
# How many payments a card has made in five minutes: what the store served at each moment, and what
# the whole log says of the same moment. **Did the model see what it was trained on?** Lesson 13.

# %% tags=["widget", "figure"]
# A picture to step through
from studykit import CARD_STORY, serve, served_recomputed

card = serve(CARD_STORY, "c7")
Stepper(card, served_recomputed, step=21, stills=[21])

# %% [markdown]
# ## 16. The kill map
#
# A job that is killed at every step, with a checkpoint after every payment: which kills leave a
# wrong sink. <!-- no claim: ours --> **What does a job remember after kill -9?** Lesson 09.

# %% tags=["widget", "figure"]
kills = killed_everywhere()
Stepper(kills, kill_map, step=15, design="commit, then write", checkpoint=4)

# %% [markdown]
# ## 17. The price of waiting
#
# One forest for each bound: what a model loses if its features wait, beside what seeds alone
# change. **Which bound costs the model more than chance does?** Lesson 13.

# %% tags=["widget", "figure"]
# A picture to step through
from studykit import price_of_waiting, recorded_waits

waits = recorded_waits(Path("../benchmarks/handbook/recorded.jsonl"))
Stepper(waits, price_of_waiting, step=len(waits.waits), stills=[len(waits.waits)])
