# %% [markdown]
# # Lab 13: did the model see it?
#
# You count as of a payment, unite what does not add up, leave out what could not be known, and find
# out why a store and a replay disagree.
#
# About 80 minutes. Needs lesson 13. The last exercise looks at a small real store, which starts by
# itself and stops again.

# %% tags=["setup"]
from statistics import fmean, pstdev

from studykit.services.skewed_store import skewed_store

# %% [markdown]
# ## Worked example: two times of one row
#
# A feature row speaks of a window, and can be read some time later. Run the cell: for whom is the
# row of 240 s no answer, although its window is over?

# %%
window_end_ms, readable_ms = 240_000, 282_000
for at_ms in (239_999, 240_000, 281_999, 282_000):
    print(f"{at_ms}: over {window_end_ms <= at_ms}, readable {readable_ms <= at_ms}")

# %% [markdown]
# ## 1. As of this payment
#
# `times` are the payments of a card, in ms, in the order in which they arrived. Return for each of
# them how many of *all* of them lie in the interval that ends with it:
#
# > (t - within_ms, t]
#
# The start is outside, the payment itself is inside. The condition is missing.
#
# `velocity([50_000, 58_000, 62_000, 70_000], within_ms=60_000)` is `[1, 2, 3, 4]`.


# %% tags=["exercise"]
def velocity(times: list[int], within_ms: int) -> list[int]:
    """Return for each payment, in the order given, the number in its interval, in ms."""
    counts = []
    for now_ms in times:
        count = 0
        for time_ms in times:
            # BEGIN SOLUTION
            if now_ms - within_ms < time_ms <= now_ms:
                count += 1
            # END SOLUTION
        counts.append(count)
    return counts


# %% [markdown]
# ## 2. Predict: four reads
#
# The feature counts a card's payments in windows of 5 min every minute, with a bound of 30 s and no
# lateness. A row can be read at once, and lives for 5 min. Card c7 pays at 70, 100 and 130 s, and
# never again. Other cards pay every 20 s, from 0 s on. Nothing comes late. A card without a row
# counts as 0.
#
# What does the store serve at 150, 170, 240 and 600 s?


# %% tags=["exercise"]
def predict_served() -> list[int]:
    """Return the four values that a reader gets."""
    # BEGIN SOLUTION
    return [0, 2, 3, 1]
    # END SOLUTION


# %% [markdown]
# ## 3. Distinct merchants
#
# `payments` are `[event_ms, merchant]` in the order of their arrival; some come late, and here no
# window is closed to them. Return for every sliding window that holds a payment
# `[end_ms, number of distinct merchants]`, by its end. Windows begin at multiples of the slide.
#
# `distinct_merchants([[10_000, "m"], [70_000, "m"]], size_ms=120_000, slide_ms=60_000)` is
# `[[60_000, 1], [120_000, 1], [180_000, 1]]`.


# %% tags=["exercise"]
def distinct_merchants(payments: list[list], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Return end, in ms, and distinct merchants of every window with a payment."""
    # BEGIN SOLUTION
    merchants = {}
    for event_ms, merchant in payments:
        pane_ms = event_ms // slide_ms * slide_ms
        for end_ms in range(pane_ms + slide_ms, pane_ms + size_ms + 1, slide_ms):
            merchants.setdefault(end_ms, set()).add(merchant)
    return [[end_ms, len(found)] for end_ms, found in sorted(merchants.items())]
    # END SOLUTION


# %% [markdown]
# ## 4. Since the last payment
#
# `payments` are `[event_ms, card]` in the order of their arrival. Return
# `[event_ms, card, gap_ms]` by event time; payments of the same time stay in the order of their
# arrival. The gap is the time since the payment of the *same card* before it, `None` if there is
# none.
#
# `gaps([[10_000, "a"], [40_000, "a"]])` is `[[10_000, "a", None], [40_000, "a", 30_000]]`.


# %% tags=["exercise"]
def gaps(payments: list[list]) -> list[list]:
    """Return each payment with the ms since the card's payment before it."""
    # BEGIN SOLUTION
    last_ms, rows = {}, []
    for event_ms, card in sorted(payments, key=lambda payment: payment[0]):
        rows.append([event_ms, card, event_ms - last_ms[card] if card in last_ms else None])
        last_ms[card] = event_ms
    return rows
    # END SOLUTION


# %% [markdown]
# ## 5. Is this amount strange?
#
# An amount is strange if it lies more than `limit` standard deviations *above* the mean of the
# amounts before it. The deviation is that of the population (`pstdev`), and `least` is 1 or more.
# Return for each amount `True` or `False`, and `None` if fewer than `least` amounts came before, or
# if their deviation is 0.
#
# `strange([10, 12, 11, 9, 10, 500], least=5, limit=3)` is
# `[None, None, None, None, None, True]`.


# %% tags=["exercise"]
def strange(amounts: list[int], least: int, limit: int) -> list[bool | None]:
    """Return for each amount, in cents, whether it is strange; None if it cannot be known."""
    # BEGIN SOLUTION
    found = []
    for place, amount in enumerate(amounts):
        before = amounts[:place]
        if place < least or pstdev(before) == 0:
            found.append(None)
        else:
            found.append((amount - fmean(before)) / pstdev(before) > limit)
    return found
    # END SOLUTION


# %% [markdown]
# ## 6. Bug hunt: a model that is excellent, offline
#
# Somebody joins labels with features. The model that is trained on it is excellent in the test and
# ordinary in production. Run it: the label is at 283 s.


# %%
def as_it_is_joined(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    found = [[row for row in rows if row[0] <= at_ms] for at_ms in moments]
    return [max(over)[3] if over else None for over in found]


print(as_it_is_joined([283_000], [[240_000, 0, 282_000, 5], [240_000, 1, 284_000, 6]]))

# %% [markdown]
# Write the repaired join. `rows` are `[window_end_ms, revision, readable_ms, value]` in any order;
# no two can be read for the first time at the same moment, and none expires. Of the rows that could
# be read at the label's moment the store holds the one with the greatest window end and revision.
# Return for each moment its value, `None` if nothing could be read.


# %% tags=["exercise"]
def as_of(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Return for each moment, in ms, the value that could be read then."""
    # BEGIN SOLUTION
    values = []
    for at_ms in moments:
        readable = [row for row in rows if row[2] <= at_ms]
        values.append(max(readable)[3] if readable else None)
    return values
    # END SOLUTION


# %% [markdown]
# ## 7. The store against the replay
#
# Five cards in a store, and the rows of the whole log, replayed at night. Open in JupyterLab, the
# cell starts a real store for it, and stops it again; that takes about two seconds.

# %%
evidence = skewed_store()
for card in ("c1", "c2", "c3", "c4", "c5"):
    print(card, evidence.stored.get(card))
print(evidence.read_ms, [row for row in evidence.replayed if row[0] == "c3"][-8:])

# %% [markdown]
# `replayed` has rows `[card, window_end, revision, tx_count]`. Compare each card's stored row with
# the *newest* row of the replay, by window end and then revision, of a window that was over at
# `read_ms` (`window_end <= read_ms`). Return a dict `{card: [cause, replayed - stored]}`:
#
# - `"ttl"`: the store has nothing for the card, which counts as 0
# - `"race"`: the stored row is of another window
# - `"revision"`: of this window and of another revision
# - `"writer"`: the same row by its identity, and another number
#
# Leave out cards whose number is right, and cards without a window that was over. A card that the
# store has lost is always told.


# %% tags=["exercise"]
def find_skew(stored: dict[str, dict], replayed: list[list], read_ms: int) -> dict[str, list]:
    """Return cause and gap of every card whose stored number is not the replayed one."""
    # BEGIN SOLUTION
    found = {}
    for card in {row[0] for row in replayed if row[1] <= read_ms}:
        end_ms, revision, count = max(
            row[1:] for row in replayed if row[0] == card and row[1] <= read_ms
        )
        held = stored.get(card)
        if held is None:
            found[card] = ["ttl", count]
        elif held["tx_count"] != count:
            same = "writer" if held["revision"] == revision else "revision"
            cause = same if held["window_end"] == end_ms else "race"
            found[card] = [cause, count - held["tx_count"]]
    return found
    # END SOLUTION


# %% [markdown]
# Once the check is passed, run `find_skew(*evidence)` in a cell of your own: which of the five
# cards would you look at first?

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Where does an interval end, and where a window? What may a training
# row not know? Which four causes separate what was served from what is recomputed? `study progress`
# shows what is left.
