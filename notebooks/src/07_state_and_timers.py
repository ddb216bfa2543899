# %% [markdown]
# # State and timers
#
# After this lesson you can say which line of a job frees which state, choose between a timer and a
# time to live, and find the key that keeps one machine busy.
#
# <!-- teaches: 38 40 41 42 43 44 45 -->
#
# About 45 minutes. Needs lessons 01 to 06; nothing has to be started.
#
# Three laws:
#
# 1. State belongs to a key: an event sees the state of its own key, and of no other.
# 2. What nobody frees stays. Each state has one line that frees it, or it is meant to stay.
# 3. A timer is due when the watermark reaches it, whether or not its key ever comes again.

# %% [markdown]
# The way:
#
# 1. The same payment twice
# 2. Who frees this byte?
# 3. A month in ten seconds
# 4. A timer speaks of its own moment
# 5. Half a pair
# 6. Timers for your engine
# 7. Whose state is it?
# 8. Where a key lives

# %% tags=["setup"]
import heapq
import math
from collections import Counter
from inspect import getsource
from random import Random

from msgspec.structs import replace

# %% tags=["setup"]
from studykit import (
    STORY,
    EngineSoFar,
    Forever,
    Predict,
    Stepper,
    Timers,
    TimeToLive,
    month,
    typed_before,
)
from studykit.checks import typed

Engine = typed_before("07")["Engine"]

# %% [markdown]
# ## 1. The same payment twice
#
# A terminal sends a payment, hears nothing, and sends it again: an hour later, or four days later,
# when it is back from where there was no network. It must count once. So somebody has to remember
# which payments have come. What is remembered from one event to the next is **state**.
#
# Here is a month: 1,000 payments a day, and one in twenty is sent twice.

# %%
payments = month()
print(len(payments), "records,", len({payment.key for payment in payments}), "payments")
print(getsource(Forever.on_event))

# %% [markdown]
# This remembers every payment for ever, and is right. But a payment that nobody will send again
# still has its bytes. Two other ways forget it after five days:
#
# - The **time to live** counts from the last *write*, by the clock on the wall.
# - An **event-time timer** is set at the event's own time, plus five days. It is due when the
#   *watermark* reaches it.

# %%
for way in (TimeToLive.on_time, Timers.on_event, Timers.on_time):
    print(f"{way.__qualname__}:\n{getsource(way)}")

# %% [markdown]
# Note the second condition of `Timers.on_event`. A payment whose timer is over already may have
# been counted and forgotten. To take it for new would be a guess, so it is refused, as a window
# refuses what comes after its purge.

# %% [markdown]
# ## 2. Who frees this byte?
#
# That is the central question. All three see the month live, as it comes in. After 30 days the
# stream ends, and the watermark goes to its very end (lesson 02).

# %%
from studykit import DAY_MS, live_state, three_holders, watched

live = watched(payments, three_holders(5 * DAY_MS))

# %% [markdown]
# Here is day 20, and you can move on until just before the stream ends.

# %% tags=["widget"]
# A picture to step through
Stepper(replace(live, moments=live.moments[:-1]), live_state, step=40, stills=[40])

# %% [markdown]
# Two of them look alike. Which are empty after the last step?

# %% tags=["widget"]
last = live.moments[-1]
Predict(
    "The stream has ended. Which holders hold nothing any more?",
    ["none of them", "timer", "time to live and timer"],
    " and ".join(name for name, keys in last.held.items() if not keys),
    "Every timer is due at the end. On the wall it is still the same day.",
    reveal=Stepper(live, live_state, step=len(live.moments), stills=[len(live.moments)]),
)

# %% [markdown]
# One curve only grows. Two level off at the payments of five days, and for a month nobody could
# tell them apart. At the end only one returns to zero: of the timer's holder every key is
# accounted for (laws 2 and 3).

# %% [markdown]
# How much is it? A key of 12 letters and a time of 8 bytes make 20 bytes, before a store adds its
# own. A shop with 1,000 payments *a second* keeps:

# %% tags=["predict"]
for days in (5, 365):
    print(f"{days:>3} days: {days * 86_400 * 1_000 * 20 / 10**9:>4.0f} GB")

# %% [markdown]
# ## 3. A month in ten seconds
#
# Live, both ways of forgetting do the same. Now the month is read again, from the log, as fast as
# it goes: the event times are the same, and the clock on the wall moves ten seconds. **Predict**
# the most keys that each of the three holds.

# %% tags=["predict"]
fast = [payment._replace(now_ms=payment.now_ms * 10 // 2_592_000) for payment in payments]
replayed = watched(fast, three_holders(5 * DAY_MS), every_ms=100)
for name in replayed.accepted:
    for when, run in (("live", live), ("replayed", replayed)):
        most = max(moment.held[name] for moment in run.moments)
        print(f"{name:>13}, {when:>8}: at most {most:>5} keys, {run.accepted[name]} payments")

# %% [markdown]
# In ten seconds nothing is five days old: the time to live frees nothing, and a job that ran well
# for a year runs out of memory in a replay. The timer does what it did live, because it asks the
# data and not the wall.
#
# The other way round is worse. The job is down from day 10 to day 17, and then reads what it has
# missed. **Predict** how many payments each holder counts. There are 30,000.

# %% tags=["predict"]
down = [
    payment._replace(now_ms=17 * DAY_MS) if 10 * DAY_MS <= payment.now_ms < 17 * DAY_MS else payment
    for payment in payments
]
print(watched(down, three_holders(5 * DAY_MS)).accepted)

# %% [markdown]
# A week has passed on the wall, so all that was known before day 10 is forgotten at once. In the
# log the second copies come hours later. They are taken for new. No error, no late event, only
# payments that count twice.
#
# **If forgetting decides a result, it has to happen in event time.** In Flink the time to live
# counts processing time, and nothing else. <!-- claim: flink-state-ttl-is-processing-time --> It is
# a net for what a mistake has left behind, and so long that it never decides anything.

# %% [markdown]
# The timer has its price, too: while the watermark stands still it frees nothing (lesson 06). That
# is right, for nobody knows yet what is still to come.

# %% [markdown]
# ## 4. A timer speaks of its own moment
#
# A timer can do more than free. It says that something did *not* happen: a card was silent for five
# seconds, a delivery has no end. The simple way keeps the newest time, and sets a timer five
# seconds later. If the newest time is still the same when it is due, the card was silent.


# %%
class Newest:
    newest_ms = -math.inf

    def on_event(self, time_ms):
        self.newest_ms = max(self.newest_ms, time_ms)
        return time_ms + 5_000  # set a timer

    def on_timer(self, due_ms):
        return [due_ms] if self.newest_ms + 5_000 == due_ms else []


# %% [markdown]
# Here is what calls it: an event, then the watermark, then the timers that it has reached. After
# the last event the stream ends.


# %%
def told(function, times, bound_ms=4_000):
    timers, silences, watermark_ms = [], [], -math.inf
    for time_ms in [*times, math.inf]:
        if time_ms < math.inf and (due_ms := function.on_event(time_ms)) not in timers:
            heapq.heappush(timers, due_ms)
        watermark_ms = max(watermark_ms, time_ms - bound_ms - 1)
        while timers and timers[0] <= watermark_ms:
            silences += function.on_timer(heapq.heappop(timers))
    return silences


# %% tags=["widget"]
pauses = [0, 60_000, 120_000]
Predict(
    "A card speaks at 0, 60 and 120 s. How many silences of five seconds does Newest tell?",
    [0, 1, 2, 3],
    len(told(Newest(), pauses)),
    "When the timer of 5 s is due, the event at 60 s has overwritten the newest time.",
)

# %% [markdown]
# The watermark is always behind. What pushes it over the timer is an event of *later*, and its
# write comes first. **When a timer is due, state may know more than the timer's moment.** So keep
# the times, and ask what was known up to that moment. Lesson 11 runs the same function as `Silence`
# on the real thing.


# %% tags=["predict"]
class Silence:
    def __init__(self):
        self.times = set()

    def on_event(self, time_ms):
        self.times.add(time_ms)
        return time_ms + 5_000

    def on_timer(self, due_ms):
        spoke = any(due_ms - 5_000 < time_ms <= due_ms for time_ms in self.times)
        self.times.remove(due_ms - 5_000)  # the line that frees
        return [] if spoke else [due_ms]


silence = Silence()
print("Newest: ", told(Newest(), pauses))
print("Silence:", told(silence, pauses), "and holds", silence.times)

# %% [markdown]
# Every time that is added has one timer, and its timer removes it: law 2 in one line. At the end
# the set is empty.

# %% [markdown]
# ## 5. Half a pair
#
# A parcel leaves, and a day or two later it arrives. A job tells how long it took, so the start
# has to wait for its end: that is state. Here are a thousand parcels, one an hour. One start in
# fifty is lost on the way to the log, and one end in fifty.

# %%
HOUR_MS = DAY_MS // 24
random, log = Random(7), []
for number in range(1_000):
    start_ms = number * HOUR_MS
    if random.random() >= 0.02:
        log.append((start_ms, "start", number))
    if random.random() >= 0.02:
        log.append((start_ms + random.randrange(DAY_MS, 2 * DAY_MS), "end", number))
log.sort()

# %% [markdown]
# The simple way keeps a start until its end comes. **Predict** how many starts it still holds a
# week after the last parcel, and how many with a timer that gives up five days after the start.


# %% tags=["predict"]
def paired(log, limit_ms=math.inf):
    started, told = {}, Counter()
    for time_ms, kind, number in [*log, (log[-1][0] + 7 * DAY_MS, "week later", None)]:
        for due in [key for key, since_ms in started.items() if since_ms + limit_ms <= time_ms]:
            del started[due]  # its timer: the line that frees
            told["no end"] += 1
        if kind == "start":
            started[number] = time_ms
        elif kind == "end":
            told["pair" if started.pop(number, None) is not None else "no start"] += 1
    return dict(told), "held:", len(started)


print(*paired(log))
print(*paired(log, limit_ms=5 * DAY_MS))

# %% [markdown]
# Every lost end leaves a start that nobody frees. No result is wrong, no error is seen, and after
# a year the state is that of a year. With the timer the missing end becomes a *result*: "no end"
# is what somebody should be told. **Who waits for an event that may never come, sets a timer with
# the first half** (law 2).
#
# The other half may be missing, too. An end without its start is told at once and kept by nobody:
# it would wait for something that is already past. If starts can come after their ends, it is held
# with a timer of its own.

# %% [markdown]
# ## 6. Timers for your engine
#
# Your engine has state: a total for each key and window. Until now `fire` sorts all of it at every
# event, to find out what is due. A timer for each key and window is better: they lie in a **heap**,
# whose first entry is the earliest, and only what is due is looked at. **Type it**: a key and
# window that is counted for the first time gets its timers, `(due_ms, key, window)`, by `heappush`.


# %% tags=["engine"]
from heapq import heappop, heappush


class Engine(Engine):
    """Each key and window says when it is due: at its end, and when its lateness is over."""

    def __init__(self, *policy, **named):
        super().__init__(*policy, **named)
        self.timers = []

    def count(self, key, window, value):
        # BEGIN SOLUTION super().count; for a new one, push its timers
        is_new = (key, window) not in self.totals
        counted = super().count(key, window, value)
        if counted and is_new:
            for after_ms in {0, self.lateness_ms}:
                heappush(self.timers, (window[1] - 1 + after_ms, key, window))
        return counted
        # END SOLUTION


# %% [markdown]
# Firing is said anew. `heappop(self.timers)` takes the earliest timer, and a timer does for its key
# and window what is due: tell, or free. And a stream that ends has a last watermark, so that every
# timer is due.


# %% tags=["engine"]
class Engine(Engine):
    """Timers fire and free."""

    def fire(self):
        # BEGIN SOLUTION while the earliest is due: tell, or free
        while self.timers and self.timers[0][0] <= self.watermark_ms:
            held = heappop(self.timers)[1:]
            if held in self.totals and held not in self.revisions:
                self.tell(*held)
            if held in self.totals and self.is_closed(held[1], self.lateness_ms):
                del self.totals[held], self.revisions[held]
        # END SOLUTION

    def end(self):
        # BEGIN SOLUTION W goes to its very end, and everything fires
        self.watermark_ms = float("inf")
        self.fire()
        # END SOLUTION


# %% tags=["check"]
Engine = typed.checked("07", Engine)

# %% [markdown]
# **Predict**: the story, windows of ten seconds, a bound of 4 s, a lateness of 3 s. How many totals
# and timers are held after event #10, and how many after the end?

# %% tags=["predict"]
mine = Engine(bound_ms=4_000, size_ms=10_000, lateness_ms=3_000)
for event in STORY:
    mine.on_event(event.key, event.event_ms, event.value)
print(len(mine.totals), "totals and", len(mine.timers), "timers")
mine.end()
print(len(mine.totals), "totals and", len(mine.timers), "timers")
print(*mine.rows, sep="\n")

# %% [markdown]
# The rows are those of lesson 05, and the end brings the open windows. The course's tests compare
# this engine with the one that draws the figures, on thousands of streams. It has grown to:

# %%
EngineSoFar("07")

# %% [markdown]
# ## 7. Whose state is it?
#
# A function sees events of many keys. **Predict** what the last event, `a` with 6, finds: once in
# state by key, once in an attribute of the function.

# %% tags=["predict"]
state, attribute = {}, None
for key, value in [("a", 5), ("b", 90), ("a", 6)]:
    print(f"{key} with {value:>2}: by key {state.get(key)}, in the attribute {attribute}")
    state[key] = attribute = value

# %% [markdown]
# It finds somebody else's 90 (law 1). An attribute of a function is shared by all keys that the
# function happens to see, <!-- claim: flink-attribute-is-shared-by-keys --> and which these are
# changes with the number of machines. A test with one key will not find it. State by key looks the
# same in code, since the key is chosen before the function is called; see lesson 11.

# %% [markdown]
# ## 8. Where a key lives
#
# State by key can be spread over machines: each key lives in one place, and its events are sent
# there. <!-- claim: flink-a-key-lives-on-one-subtask --> Which place is decided by a hash of the
# key. It picks one of 128 *key groups*, for good; groups are shared among the places, and move when
# there are more of them. The hash has to be the same in every process and after every restart.
# Python's own `hash` of a text is another number in each.

# %% [markdown]
# `keyed_state.place_of` places a text as Flink's Java does: by its murmur hash.
# <!-- claim: flink-places-a-string-by-its-murmur-hash --> (A key of several columns has the hash of
# its row.) 10,000 payments of 40 shops; one is a supermarket with a third of all. **Predict** the
# load of the busiest place when there are 2, 4, 8 and 16 places.

# %% tags=["predict"]
from studykit import keyed_state

draw = Random(7)
shops = [f"shop {draw.choice([*[7] * 20, *range(40)])}" for _ in range(10_000)]


def busiest(keys, places):
    return max(Counter(keyed_state.place_of(key, places).subtask for key in keys).values())


for places in (2, 4, 8, 16):
    print(f"{places:>2} places: even {10_000 // places:>4}, busiest {busiest(shops, places)}")

# %% [markdown]
# However many machines you buy: shop 7 lives on one of them, a **hot key**. The others are idle,
# and what comes after them waits, since the slowest has the common watermark (lesson 06). The way
# out is to count in two steps. Cut the hot key into pieces, count each, and add up the few partial
# counts:

# %%
pieces = [f"{shop}#{number % 16}" for number, shop in enumerate(shops)]
partial = Counter(pieces)
whole = Counter()
for piece, count in partial.items():
    whole[piece.partition("#")[0]] += count
assert whole == Counter(shops)
print("busiest of 8 places:", busiest(shops, 8), "or in pieces:", busiest(pieces, 8))
print("then", len(partial), "partial counts instead of", len(shops), "payments")

# %% [markdown]
# That works for what can be added up: counts, sums, maxima. "The last country of this card" cannot
# be cut. Then look at the key itself: `null`, `unknown` and a test account are favourites.

# %% [markdown]
# ## Break it
#
# - Delete the clearing branch: what do you see, and when?
# - A copy comes after *six* days. What do the three holders say?
# - `Newest` with a bound of 0 for 0, 60 and 120 s: is it right now?


# %% tags=["predict"]
class Leaking(Timers):
    def on_time(self, watermark_ms, now_ms):
        self.watermark_ms = watermark_ms


leaking = watched(payments, {"timer": Timers(5 * DAY_MS), "leaking": Leaking(5 * DAY_MS)})
print("counted:", leaking.accepted, " held at the end:", leaking.moments[-1].held)
for holder in three_holders(5 * DAY_MS).values():
    first = holder.on_event("copy", 0, 0)
    holder.on_time(6 * DAY_MS, 6 * DAY_MS)
    print(f"{type(holder).__name__:>10}:", first, holder.on_event("copy", 0, 6 * DAY_MS))
print("bound 0:", told(Newest(), pauses, bound_ms=0))

# %% [markdown]
# <details><summary>Answers</summary>
#
# A leak changes no result. It is seen in one number only, and a test that does not look at what is
# held *at the end* passes. After six days the first holder knows the copy, the time to live takes
# it for new, and the timer refuses it: the same answer as the first, without the bytes. With a
# bound of 0 `Newest` is wrong all the same: the event at 60 s is written before the watermark
# moves.
# </details>

# %% [markdown]
# ## In Flink this is
#
# A keyed function with state and timers. <!-- no claim: name --> Read the class `Windows` in
# [timers.py](../flink_jobs/datastream/timers.py): `process_element` sets two timers for a payment,
# and `_free` is the line that frees. `FORGOTTEN_AFTER` is the net below it, thirty days long.
#
# Some state is meant to stay. [clocked.sql](../flink_jobs/sql/clocked.sql) keeps the largest event
# time of each partition, and its comment says what would happen if it expired. It may stay because
# it is small: one number for each partition, however long the job runs.

# %% [markdown]
# The features live in a third place, where nobody has a watermark: in
# [the store](../flink_jobs/connectors/redis.py) a hash expires by itself.
# <!-- claim: redis-keys-expire --> A write does not prolong its life, so the script sets it anew.
# <!-- claim: redis-hset-keeps-the-ttl -->

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of your engine that keeps law 2. What is seen if it is
# missing?</summary>
#
# The `del` in `fire`. The rows stay the same; what is held after `end()` is not empty.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest stream on which <code>Newest</code> misses a
# silence.</summary>
#
# Two events, 0 s and 60 s. The silence after 0 s is lost.
# </details>

# %% [markdown]
# <details><summary>A job has run for a year with a time to live of a day. Its replay of last month
# runs out of memory. Why?</summary>
#
# A month of keys comes in less than a day by the clock on the wall, so none expires.
# </details>

# %% [markdown]
# <details><summary>One of eight workers is always busy, and its neighbours are idle. Sixteen
# workers change nothing. What do you count first?</summary>
#
# Records by key. A hot key lives in one place, however many there are.
# </details>
