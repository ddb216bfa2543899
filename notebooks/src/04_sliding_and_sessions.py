# %% [markdown]
# # Sliding windows and sessions
#
# After this lesson you can choose between windows that overlap and windows that follow the user,
# say what each costs, and foresee what a late event does to them.
#
# <!-- teaches: 21 22 24 -->
#
# About 30 minutes. Needs lessons 01 to 03; nothing has to be started.
#
# 1. Windows that overlap
# 2. What overlap costs
# 3. Late for some, in time for others
# 4. Sessions: the data makes the window
# 5. The bridge
# 6. When both were already told
# 7. Windows that grow

# %% [markdown]
# Three laws:
#
# 1. **An event is in size / slide windows**, and lateness is judged for each of them.
# 2. **Sessions that overlap or touch are one.** So a late event may change how many there are.
# 3. **What cannot be merged cannot be shared**: a sum can, a median cannot.

# %% tags=["setup"]
from flink_jobs.engine.windows import SlidingWindows
from studykit import (
    STORY,
    Picture,
    Policy,
    Predict,
    Stepper,
    outcome,
    parse,
    simulate,
    span,
    typed_before,
)
from studykit.checks import typed

Engine = typed_before("04")["Engine"]  # what you have typed so far

# %% [markdown]
# ## 1. Windows that overlap
#
# "How many payments in the last five minutes?" is asked every minute. A tumbling window answers it
# only every five. And it has a blind spot: three payments just before a boundary and three just
# after look like two harmless windows, although six fell into one minute.
#
# A **sliding** window has a size and a slide. A new window starts with every slide, so they
# overlap, and each event is in several. Windows of 10 s that start every 5 s:

# %%
for window in SlidingWindows(size_ms=10_000, slide_ms=5_000).assign(12_000):
    print("the event at 12 s is in", span(window.start_ms, window.end_ms))

# %% tags=["widget"]
# A question, folded with its answer
fraud = SlidingWindows(size_ms=300_000, slide_ms=60_000)
Predict(
    "Windows of 5 minutes that start every minute. In how many of them is each payment?",
    [1, 4, 5, 6],
    len(fraud.assign(90_000)),
    "Size divided by slide. It is the same number for every event.",
)

# %% [markdown]
# A tumbling window is the special case in which the slide is the size: each event is in one.
#
# **Type it**: your engine learns it with one method. Everything else stays as you typed it. Starts
# are multiples of the slide, and a window holds the event if it starts at or before the event and
# ends after it.


# %% tags=["engine"]
class Engine(Engine):
    """Windows that overlap: one starts every `slide_ms`."""

    def __init__(self, bound_ms, size_ms, slide_ms=None):
        super().__init__(bound_ms, size_ms)
        self.slide_ms = slide_ms or size_ms

    def windows(self, event_ms):
        # BEGIN SOLUTION a pair (start_ms, end_ms) for each window
        last_ms = event_ms - event_ms % self.slide_ms
        starts = range(last_ms, event_ms - self.size_ms, -self.slide_ms)
        return [(start_ms, start_ms + self.size_ms) for start_ms in starts]
        # END SOLUTION


# %% tags=["check"]
Engine = typed.checked("04", Engine)

# %% [markdown]
# **Predict** the windows of an event at exactly 10 s, of 10 s every 5 s: is [0,10) among them?

# %% tags=["predict"]
print(Engine(bound_ms=4_000, size_ms=10_000, slide_ms=5_000).windows(10_000))

# %% [markdown]
# It is not: [0,10) ends at 10 s, and its end is not in it. Your engine now:

# %%
from studykit import EngineSoFar

EngineSoFar("04")

# %% [markdown]
# ## 2. What overlap costs
#
# The straightforward way is to put each event into each of its windows. In Flink's DataStream API
# that is what happens. <!-- claim: flink-datastream-sliding-copies-per-window --> For five windows
# nobody minds. **Predict** the number for a window of a day, renewed every quarter of an hour:

# %% tags=["predict"]
day = SlidingWindows(size_ms=24 * 3_600_000, slide_ms=15 * 60_000)
print("copies of each event:", day.overlap)

# %% [markdown]
# Ninety-six updates for each event, and ninety-six windows of state for each key. There is a
# better way. Between two starts all windows agree, so the stretch of one slide, a **pane**, can be
# aggregated once and shared. An event then updates one pane, and a window is the merge of its
# panes.
#
# The engine in `flink_jobs/engine` does that, and so does Flink SQL's `HOP`.
# <!-- claim: flink-sql-hop-shares-slices --> It works only for results that can be merged. A sum
# can; a median cannot: nobody gets the median of a day from the medians of its hours.

# %% [markdown]
# ## 3. Late for some, in time for others
#
# Overlap has a consequence that few people see. Lateness is judged for each window. An event may
# find one of its windows gone and the other open. Here is the story once more, with windows of 10
# s every 5 s, a bound of 4 s and no lateness:

# %%
from studykit import step_sentence

sliding = simulate(STORY, Policy(bound_ms=4_000, slide_ms=5_000))
for number, step in enumerate(sliding.steps, start=1):
    if step.verdict in ("partly late", "dropped"):
        print(step_sentence(sliding, number))

# %% [markdown]
# Such an event is **partly late**: it is counted, but not everywhere where it belongs. Flink says
# nothing about it: it reports only the events that miss *all* their windows.
# <!-- claim: flink-partial-lateness-is-silent --> So a job can lose part of its events in part of
# its windows, while it reports no late event at all.
#
# The system in this repository writes a dead letter of its own kind, `partial_late`, with a list
# of exactly the windows that were missed.

# %% [markdown]
# ## 4. Sessions: the data makes the window
#
# What is a visit to a shop? It has no fixed length. It is over when the user has been silent for
# some time, the **gap**. Each event opens a window from itself to itself plus the gap, and windows
# that meet become one. Step through two visits with a gap of 4 s, and watch the row of sessions.

# %% tags=["widget"]
from studykit import TWO_VISITS, assigners

policy = Policy(size_ms=6_000, slide_ms=3_000, gap_ms=4_000)
visits = simulate(TWO_VISITS, policy)
before = simulate(TWO_VISITS[:5], policy)
Stepper(before, assigners, step=len(before.steps))

# %% [markdown]
# A session's end is always its last event plus the gap. Nobody knows it in advance, and every new
# event moves it.
#
# **Predict.** The gap is 4 s. One user is back after exactly 4 s, another after 5 s. One session
# each, or two?

# %% tags=["predict"]
for line in ("a1----a5", "a1-----a6"):
    run = simulate(parse(line), Policy(gap_ms=4_000, bounded=True))
    print(f"{line:<10} {outcome(run)}")

# %% [markdown]
# After exactly the gap it is still one session: [1,5) and [5,9) touch, and windows that touch are
# merged. <!-- claim: flink-sessions-merge-when-they-touch --> One millisecond later there are two.
# Others draw this line elsewhere, so write a test before you move a job from one system to another.

# %% [markdown]
# ## 5. The bridge
#
# One event is still to come, #6. It happened at 7 s, arrives after everything else, and lies
# *between* the two visits.

# %% tags=["widget"]
# A question, folded with its answer
whole = simulate(TWO_VISITS, Policy(gap_ms=4_000, bound_ms=10_000, bounded=True))
Predict(
    "How many visits are there after event #6?",
    [1, 2, 3],
    len(whole.results()),
    "Event #6 touches both, and three sessions that touch are one.",
    reveal=Picture(visits, assigners),
)

# %% tags=["figure", "predict"]
Picture(visits, assigners)

# %% [markdown]
# There never were two visits. The late event touches both, and all three are one session, [1,17).
# So a session can change after the fact more than any other window: not only its sum changes, but
# its start, its end, and how many there are.
#
# Is such an event late? By itself, perhaps. But lateness is judged on the **merged** window,
# <!-- claim: flink-session-lateness-on-merged-window --> and that one may be open although the
# event alone would be far too old:

# %%
eager = simulate(TWO_VISITS, Policy(bound_ms=0, gap_ms=4_000))
print(step_sentence(eager, len(eager.steps)))
print(eager.results())

# %% [markdown]
# With a bound of 0 s the first visit, [1,8), was told and forgotten before the bridge came. The
# event at 7 s is behind the watermark of 12.999 s, and its own window [7,11) is over. It counts
# nevertheless, because it touches the second visit, which is open.

# %% [markdown]
# ## 6. When both were already told
#
# Now let both sessions fire before the bridge arrives. An event of another user, `b`, pushes the
# watermark on. Lateness is allowed for 12 s, so the fired sessions are still in memory. **Predict**
# how many rows user `a` gets.

# %% tags=["predict"]
line = "-a1--a3-a4-------a11--a13-----b18-a7"
told = simulate(parse(line), Policy(bound_ms=0, gap_ms=4_000, lateness_ms=12_000, keyed=True))
print(outcome(told))

# %% [markdown]
# The reader of this output has been told of a visit [1,8) with three events, of a visit [11,17)
# with two, and then of a visit [1,17) with six. The first two rows are wrong now, and nobody takes
# them back. If the window is part of the row's key, the three stand side by side and the user has
# eleven events instead of six. <!-- claim: flink-merged-session-emits-new-window -->
#
# Three ways out: keep one row for each user and overwrite it; wait longer, so that bridges come in
# time; or turn away events that could still touch a session that has fired. The session features
# of this repository do the last.

# %% [markdown]
# ## 7. Windows that grow
#
# A **cumulating** window is for "revenue today, so far": it starts at a fixed point, and is told
# in steps that all begin there. Each result contains the ones before it.

# %%
values = {event.event_ms: event.value for event in STORY if event.event_ms < 10_000}
so_far = [sum(v for at, v in values.items() if at < end_ms) for end_ms in (5_000, 10_000)]
print("told at 5 s and at 10 s:", so_far)
print("added up by a careless reader:", sum(so_far), " the truth:", so_far[-1])

# %% [markdown]
# Add up the rows, and you count the early events twice. The last row is the answer; the others are
# its drafts. In Flink SQL the function is `CUMULATE`. <!-- claim: flink-sql-cumulate -->

# %% [markdown]
# ## Break it
#
# Turn size, slide and gap. A slide that does not fit into the size is refused, with a reason.
#
# - Which gap makes three visits of these six events? Which makes two, which one?
# - What does a slide of 1 s do to the row of sliding windows?

# %% tags=["widget"]
# A picture to step through
from studykit import Explorer

Explorer(TWO_VISITS, assigners, policy, knobs=["size", "slide", "gap"])

# %% [markdown]
# <details><summary>What you should find</summary>
#
# A gap of 4 s makes one visit of all six, for the bridge #6 joins two. With 3 s there are two,
# since #3 and #6, at 4 s and 7 s, touch, and #4 is 4 s after #6. With 2 s it is three. A slide of 1
# s puts each event into six windows, and the row grows to as many layers.
# </details>

# %% [markdown]
# ## In Flink this is
#
# ```sql
# TABLE(HOP(TABLE transactions, DESCRIPTOR(rt), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))
# TABLE(SESSION(TABLE clicks PARTITION BY user_id, DESCRIPTOR(rt), INTERVAL '30' MINUTE))
# ```
#
# `HOP` takes the slide first and then the size. <!-- claim: flink-sql-hop-slide-before-size -->
# The size must be a multiple of the slide, so most mix-ups are refused.
# <!-- claim: flink-sql-hop-size-multiple-of-slide --> Leave `PARTITION BY` out of `SESSION`, and
# all users share their sessions. <!-- claim: flink-sql-session-partition-by -->

# %% [markdown]
# ## Recall
#
# <details><summary>Windows of one hour every five minutes. In how many is each event, and how many
# panes does one window have?</summary>
#
# Twelve, and twelve. Both are size divided by slide.
# </details>

# %% [markdown]
# <details><summary>A job with sliding windows reports no late events, yet the sums differ from a
# nightly batch. What do you suspect?</summary>
#
# Partial lateness: events that missed some of their windows and entered others. Nothing that is
# reported as late shows them.
# </details>

# %% [markdown]
# <details><summary>Why may one late event reduce the number of sessions?</summary>
#
# It can lie between two of them and touch both. Then the three are one.
# </details>

# %% [markdown]
# <details><summary>Find the line of your engine that keeps law 1. Construct the smallest stream in
# which an event is partly late: windows of 10 s every 5 s, a bound of 0 s.</summary>
#
# The `range` in `windows` gives size / slide starts, and `on_event` asks `count` for each of them.
#
# The stream has two events: one at 11 s, which moves W to 10.999 s, and then one at 7 s. It has
# missed [0,10) and enters [5,15).
# </details>
