# %% [markdown]
# # Windows
#
# After this lesson you can say which window an event is in, when that window opens, fires and
# disappears, and how much memory it costs until then.
#
# <!-- teaches: 19 20 23 25 26 27 28 30 -->
#
# About 40 minutes. Needs lessons 01 and 02; nothing has to be started.
#
# 1. Which window?
# 2. Where windows start
# 3. A day is not 24 hours from midnight
# 4. The life of a window
# 5. One window for each key
# 6. Keep a number, not the events
# 7. Silence is not zero
# 8. Windows of windows
# 9. Windows that never fire

# %% [markdown]
# Three laws:
#
# 1. **A window [start, end) holds its start and not its end.** Of tumbling windows each event is in
#    exactly one.
# 2. **A window fires when W ≥ end - 1**, its last millisecond, and only by W.
# 3. **State goes when no event can change it any more**, not before and not later.

# %% tags=["setup"]
import math
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from flink_jobs.engine.aggregates import Collect, CountSumMax
from flink_jobs.engine.windows import SlidingWindows

# %% tags=["setup"]
from studykit import (
    STORY,
    STORY_POLICY,
    Explorer,
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

advanced = typed_before("03")["advanced"]  # what you have typed so far

# %% [markdown]
# ## 1. Which window?
#
# A sum over an endless stream has no end either. So we cut event time into pieces and add up each
# piece. The simplest cut is the **tumbling** window: pieces of equal size, one after the other,
# without gaps and without overlap.
#
# An event belongs to exactly one of them. Mostly it is clear which. **Predict** the one case that
# is not:

# %% tags=["widget"]
ten = SlidingWindows.tumbling(10_000)
(home,) = ten.assign(10_000)
Predict(
    "Windows of 10 s. In which one is an event at exactly 10 s?",
    ["[0,10)", "[10,20)", "in both"],
    span(home.start_ms, home.end_ms),
    "A window holds its start and never its end.",
)

# %% [markdown]
# We write `[0,10)`: a square bracket where the bound is inside, a round one where it is not. Such
# a window is **half-open**. Its last millisecond is `end - 1`.

# %% tags=["predict"]
for event_ms in (0, 9_999, 10_000, 10_001):
    (window,) = ten.assign(event_ms)
    print(
        f"{event_ms:>6} ms is in {span(window.start_ms, window.end_ms)}, last ms {window.last_ms}"
    )

# %% [markdown]
# Half-open windows fit together like bricks: the end of one is the start of the next, and no
# millisecond is counted twice or lost. Close both ends, and every event on the hour is in two
# windows; open both, and it is in none.
#
# Here are the ten events of the story with the windows that they are in. The row *tumbling* is
# today's; the others are the subject of lesson 04.

# %% tags=["figure"]
from studykit import Picture, assigners

Picture(simulate(STORY, STORY_POLICY), assigners)

# %% [markdown]
# The bracket also explains the rule for firing. [0,10) is complete when nothing at or before 9,999
# ms is expected any more. That is what a watermark of 9,999 says. So a window fires when
# **W ≥ end - 1**. <!-- claim: flink-fires-at-end-minus-1 -->

# %% [markdown]
# ## 2. Where windows start
#
# The start is found by arithmetic alone: the event time minus what is left over when you divide it
# by the size. **Predict**: do both ways below agree on all three lines?

# %% tags=["predict"]
for event_ms in (12_345, 9_999, -1):
    floored = event_ms - event_ms % 10_000
    cut_off = event_ms - int(math.fmod(event_ms, 10_000))
    print(f"{event_ms:>6} ms  floored: {floored:>7}   cut off: {cut_off:>7}")

# %% [markdown]
# For the last line the two ways disagree. Python's `%` floors: one millisecond before 1970 lies in
# [-10,0). In many other languages the remainder cuts off towards zero, and puts it into [0,10),
# which does not hold it. Event times before 1970 are rare; a rule that is wrong for them is still
# wrong, and an *offset*, as in the next section, makes such numbers common.
#
# Note what is missing from the rule: the first event. Windows do not start when your job starts.
# All windows of ten seconds, on every machine, start at the same places, counted from 1970-01-01
# 00:00 UTC. <!-- claim: flink-windows-align-to-epoch -->

# %% [markdown]
# **Type it**: the second piece of your engine. `on_event` judges and counts, then advances, then
# fires. It calls `count` for each window of the event; `count` gives `False` where the event came
# too late, and these windows are what `on_event` returns.


# %% tags=["engine"]
class Engine:
    """A total for each key and window, told once when W says that the window is complete."""

    def __init__(self, bound_ms, size_ms):
        self.bound_ms, self.size_ms = bound_ms, size_ms
        self.watermark_ms, self.totals, self.rows = -(10**18), {}, []

    def windows(self, event_ms):
        # BEGIN SOLUTION a list of one pair (start_ms, end_ms): law 1
        start_ms = event_ms - event_ms % self.size_ms
        return [(start_ms, start_ms + self.size_ms)]
        # END SOLUTION

    def on_event(self, key, event_ms, value):
        # BEGIN SOLUTION count, advance, fire; return what was missed
        missed = [held for held in self.windows(event_ms) if not self.count(key, held, value)]
        self.watermark_ms = advanced(self.watermark_ms, event_ms, self.bound_ms)
        self.fire()
        return missed
        # END SOLUTION


# %% [markdown]
# `class Engine(Engine)` says: the same engine, and two rules more. `totals` holds a sum for each
# `(key, window)`. A window that fires appends `(key, start_ms, end_ms, total)` to `rows`, and is
# gone from `totals`.


# %% tags=["engine"]
class Engine(Engine):
    """Counting and firing."""

    def count(self, key, window, value):
        # BEGIN SOLUTION False if it has fired; else add, and True
        if self.watermark_ms >= window[1] - 1:
            return False  # told and gone
        self.totals[key, window] = self.totals.get((key, window), 0) + value
        return True
        # END SOLUTION

    def fire(self):
        # BEGIN SOLUTION by end: what W has reached, a row, and gone
        for key, window in sorted(self.totals, key=lambda held: held[1][1]):
            if self.watermark_ms >= window[1] - 1:
                self.rows.append((key, *window, self.totals.pop((key, window))))
        # END SOLUTION


# %% tags=["check"]
Engine = typed.checked("03", Engine)

# %% [markdown]
# Law 2 stands in it twice, and law 3 in the line that takes a window out of `totals`.
#
# **Predict** the rows of the story, in windows of ten seconds with a bound of 4 s, and which events
# miss their window.

# %% tags=["predict"]
mine = Engine(bound_ms=4_000, size_ms=10_000)
for number, event in enumerate(STORY, start=1):
    if missed := mine.on_event(event.key, event.event_ms, event.value):
        print(f"#{number} missed {missed}")
print("told:", mine.rows)

course = simulate(STORY, Policy(bound_ms=4_000, keyed=True)).results()
assert {(key, start, end): total for key, start, end, total in mine.rows} == course

# %% [markdown]
# The last line compares your engine with the one that the figures run on. Try it on a stream of
# your own; the course's tests do so on thousands. So far it is this long:

# %%
from studykit import EngineSoFar

EngineSoFar("03")

# %% [markdown]
# ## 3. A day is not 24 hours from midnight
#
# So a window of 24 hours starts at midnight *in UTC*. A shop in New York closes its day five hours
# later. An **offset** shifts the starts:

# %%
hour_ms = 3_600_000
shop_days = SlidingWindows.tumbling(24 * hour_ms, offset_ms=5 * hour_ms)
new_york = ZoneInfo("America/New_York")

for month in (3, 4):
    noon_ms = int(datetime(2026, month, 1, 12, tzinfo=new_york).timestamp()) * 1_000
    start = datetime.fromtimestamp(shop_days.pane_start(noon_ms) / 1_000, tz=new_york)
    print("the shop's day starts at", start)

# %% [markdown]
# On 1 March it is right, on 1 April it is an hour off: the clocks changed on 8 March 2026, a day of
# 23 hours, and no window of fixed size can follow it. If you need calendar days, put the local
# date into the event as a key where it enters the system, or sum hours and put the days together
# later.

# %% [markdown]
# ## 4. The life of a window
#
# A window is state: memory that the job holds until it may let go. The next figure has one bar for
# each window of each key. It opens with its first event, fires, may fire again, and is **purged**:
# forgotten. Here it lives on for 3 s after it has fired, and takes corrections. This **allowed
# lateness** is the subject of lesson 05. The window goes when W ≥ end - 1 + 3 s.
# <!-- claim: flink-purges-at-end-minus-1-plus-lateness -->

# %% tags=["widget"]
from studykit import window_life

keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
Stepper(keyed, window_life, step=keyed.step_at(12_000))

# %% [markdown]
# Step to 15 s. Four windows are alive, although only two spans of time are open: each key has its
# own. At 18 s the watermark reaches 12.999 s, and both windows of [0,10) go in the same moment.
#
# **When may this state be freed?** Not when the window fires, but when no event that could change
# it will be let in any more. What decides that is the watermark. A watermark that is stuck keeps
# every window that was ever opened.

# %% [markdown]
# ## 5. One window for each key
#
# The same events, once with windows for each key, once with one window for all:

# %%
together = simulate(STORY, replace(STORY_POLICY, keyed=False))
print("for each key:", keyed.results())
print("for all:     ", together.results())

# %% [markdown]
# The numbers add up, 12 + 10 = 22. But the second form has a price that no small example shows: all
# events must meet in one place. A job consists of **operators**, its stages, and Flink splits each
# into *subtasks*, which share the keys among them. <!-- claim: flink-a-key-lives-on-one-subtask -->
# A window over everything, `window_all`, is the work of one.
# <!-- claim: flink-windowall-works-in-one-subtask -->

# %% [markdown]
# Nobody gets there by forgetting `key_by` alone: without it a stream has no `window`, and you have
# to write `window_all`. <!-- claim: flink-window-needs-key-by --> In SQL it is one column left out
# of the `GROUP BY`, and nothing is refused. <!-- claim: flink-sql-without-a-key-sums-over-all -->
# If you need a total over everything, sum by key first and add up the few partial sums.

# %% [markdown]
# ## 6. Keep a number, not the events
#
# Does a window have to keep its events? It depends on what you ask. A sum needs one number,
# whatever comes. **Predict** how many numbers each of the two holds after a thousand events:

# %% tags=["predict"]
values = range(1_000)
for aggregate in (CountSumMax(), Collect()):
    state = aggregate.lift(values[:1])
    for value in values[1:]:
        state = aggregate.add(state, value)
    print(f"{type(aggregate).__name__:<12} holds {len(state)} numbers")

# %% [markdown]
# Count, sum and maximum can be brought up to date with each event, and then the event can go. A
# list of everything cannot. Multiply by a million keys, and the difference decides whether the job
# fits into memory.
#
# In Flink an `AggregateFunction` is of the first kind; a bare `ProcessWindowFunction` is of the
# second, since Flink keeps every element of the window for it.
# <!-- claim: flink-process-window-function-buffers --> Give the two together, and you get a small
# state *and* the window's start and end.
# <!-- claim: flink-aggregate-with-process-window-function -->

# %% [markdown]
# ## 7. Silence is not zero
#
# Key `a` speaks at 1 s and then not before 35 s. Ten seconds a window: what comes out for the
# windows in between? **Predict** the number of rows.

# %% tags=["predict"]
quiet = simulate(parse("-a1----------------------------------a35"), Policy(bound_ms=4_000))
print(outcome(quiet))

# %% [markdown]
# One result, for [0,10). For [10,20) and [20,30) there is *nothing*: no row, no zero. A window
# comes into being with its first event, so an empty window does not exist.
# <!-- claim: flink-empty-windows-emit-nothing -->
#
# Whoever reads the output must not take a gap for a zero, nor the last value for a current one. A
# store that others read from therefore writes `window_end` beside each value and lets it expire. If
# you need real zeros, a timer for each key has to make them.

# %% [markdown]
# ## 8. Windows of windows
#
# You have a sum for each ten seconds and want one for each twenty. Add up sums, good idea: but at
# which *time* did a sum happen? **Predict** which line puts the sum of [10,20) into [0,20):

# %% tags=["predict"]
twenty = SlidingWindows.tumbling(20_000)
(inner,) = ten.assign(12_000)

for name, time_ms in (("end", inner.end_ms), ("end - 1", inner.last_ms)):
    (outer,) = twenty.assign(time_ms)
    print(f"with {name:<8} the sum of [10,20) goes to {span(outer.start_ms, outer.end_ms)}")

# %% [markdown]
# The end of a window lies outside it. Stamp the result with it, and every second sum slips into
# the next window. The time of a result is **end - 1**, its last millisecond, and that is what
# Flink puts on it. <!-- claim: flink-window-result-timestamp-is-end-minus-1 --> In Flink SQL the
# column for this is `window_time`, not `window_end`.
# <!-- claim: flink-sql-window-time-is-end-minus-1 -->

# %% [markdown]
# ## 9. Windows that never fire
#
# Two more kinds you will meet. A **count window** closes after n events of a key, whatever their
# times. The last n - 1 events of a key may wait for ever,
# <!-- claim: flink-count-window-keeps-the-rest --> and a repeated log with another order gives
# other windows.
#
# A **global window** holds everything and has no end. The watermark never completes it, so by
# itself it never fires. <!-- claim: flink-global-window-never-fires --> It is a frame for
# rules of your own about when to fire, the *triggers* of lesson 05. The last row of the picture in
# section 1 is one.

# %% [markdown]
# ## Break it
#
# Turn the size of the windows, and the bound. **Predict** before each move: more windows alive at
# once, or fewer? Which setting keeps the least state? Which keeps it longest?

# %% tags=["widget"]
# A picture to step through
Explorer(STORY, window_life, replace(STORY_POLICY, keyed=True), knobs=["size", "bound", "lateness"])

# %% [markdown]
# <details><summary>What you should find</summary>
#
# Small windows are more at once but each goes sooner; with a size of 20 s there is one for each
# key, and it never goes within the story. The least state is kept with a bound of 0 s and a
# lateness of 0 s. A bound and a lateness of the same length keep state equally long, for both move
# the same moment: W ≥ end - 1 + lateness.
# </details>

# %% [markdown]
# ## In Flink this is
#
# ```sql
# SELECT card_id, window_start, window_end, SUM(amount_cents)
# FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(rt), INTERVAL '10' SECOND))
# GROUP BY card_id, window_start, window_end
# ```
#
# Group by `window_start` *and* `window_end`: only with both does Flink know that this is a window.
# <!-- claim: flink-window-start-only-is-no-window-aggregation --> Lesson 05 shows what you get
# otherwise.

# %% [markdown]
# ## Recall
#
# <details><summary>Windows of 5 minutes. In which one is a payment at 12:05:00.000, and at which
# watermark does that window fire?</summary>
#
# In [12:05, 12:10). It fires when the watermark reaches 12:09:59.999.
# </details>

# %% [markdown]
# <details><summary>There are a million cards, windows of one hour, and a sum for each. How many
# numbers does the job hold: about a million, or one for each payment?</summary>
#
# About a million for each window that is open at once: one running sum a card. With a list of
# payments instead it would be one entry a payment.
# </details>

# %% [markdown]
# <details><summary>A dashboard shows 7 payments for card c at 14:00 and no row for 14:05. How many
# payments were there at 14:05?</summary>
#
# The row is missing for one of three reasons. There was no payment in [14:05, 14:10). Or the window
# is still open: W has not reached 14:09:59.999. Or all that there were came late and were dropped.
# The row does not tell them apart; W and the count of late events do.
# </details>

# %% [markdown]
# <details><summary>Find the lines of your engine that keep law 2. What is the smallest stream that
# shows the mistake of <code>window[1]</code> instead of <code>window[1] - 1</code>?</summary>
#
# The two comparisons, in `count` and in `fire`. Two events: one at 2 s and one at 14 s, bound 4 s.
# W is 9.999 s, so [0,10) has to fire; with the mistake nothing comes.
# </details>
