"""L14.6: a producer has changed its records."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Records = list[dict[str, Json]]
Names = dict[str, str]


def reference(records: Records, renamed: Names) -> dict[str, Json]:
    """Return the total of each card, and each record that cannot be counted, with its field."""
    totals: dict[str, int] = {}
    letters: list[list[Json]] = []
    for place, record in enumerate(records):
        old = {renamed[name]: value for name, value in record.items() if name in renamed} | record
        if "card" not in old:
            letters.append([place, "card"])
        elif type(old.get("cents")) is not int:
            letters.append([place, "cents"])
        else:
            totals[old["card"]] = totals.get(old["card"], 0) + old["cents"]
    return {"totals": totals, "letters": letters}


def crashes_on_unknown(records: Records, renamed: Names) -> dict[str, Json]:
    """Stop at the first record that cannot be counted."""
    totals: dict[str, int] = {}
    for place, record in enumerate(records):
        old = {renamed[name]: value for name, value in record.items() if name in renamed} | record
        if "card" not in old or type(old.get("cents")) is not int:
            return {"totals": totals, "letters": [[place, "cents" if "card" in old else "card"]]}
        totals[old["card"]] = totals.get(old["card"], 0) + old["cents"]
    return {"totals": totals, "letters": []}


def drops_silently(records: Records, renamed: Names) -> dict[str, Json]:
    """Pass over what cannot be counted."""
    totals: dict[str, int] = {}
    for record in records:
        old = {renamed[name]: value for name, value in record.items() if name in renamed} | record
        if "card" in old and type(old.get("cents")) is int:
            totals[old["card"]] = totals.get(old["card"], 0) + old["cents"]
    return {"totals": totals, "letters": []}


def zero_for_missing(records: Records, renamed: Names) -> dict[str, Json]:
    """Count a payment without an amount as nothing."""
    totals: dict[str, int] = {}
    letters = []
    for place, record in enumerate(records):
        old = {renamed[name]: value for name, value in record.items() if name in renamed} | record
        if "card" not in old:
            letters.append([place, "card"])
        else:
            cents = old.get("cents", 0)
            cents = cents if type(cents) is int else 0
            totals[old["card"]] = totals.get(old["card"], 0) + cents
    return {"totals": totals, "letters": letters}


def refuses_unknown(records: Records, renamed: Names) -> dict[str, Json]:
    """Refuse a record with a field that nobody knows."""
    totals: dict[str, int] = {}
    letters = []
    for place, record in enumerate(records):
        old = {renamed[name]: value for name, value in record.items() if name in renamed} | record
        strange = [name for name in sorted(record) if name not in ("card", "cents", *renamed)]
        if strange:
            letters.append([place, strange[0]])
        elif "card" not in old:
            letters.append([place, "card"])
        elif type(old.get("cents")) is not int:
            letters.append([place, "cents"])
        else:
            totals[old["card"]] = totals.get(old["card"], 0) + old["cents"]
    return {"totals": totals, "letters": letters}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first record whose letter differs, else the totals."""
    records, renamed = args
    differing = [letter for letter in expected["letters"] if letter not in got["letters"]]
    differing += [letter for letter in got["letters"] if letter not in expected["letters"]]
    if not differing:
        return f"the letters are right; your totals are {short(got['totals'])}"
    place, field = differing[0]
    fate = "is a letter" if differing[0] in expected["letters"] else "is no letter"
    return (
        f"record {place}: {short(records[place])}; new names: {short(renamed)}\n"
        f"it {fate} with the field {field!r}; your letters are {short(got['letters'])}"
    )


def random_case(rng: Random) -> Args:
    """Draw records of four producers, of which one is up to date."""
    renamed = rng.choice([{}, {"amount": "cents"}, {"amount": "cents", "pan": "card"}])
    records: Records = []
    for _ in range(rng.randrange(7)):
        record: dict[str, Json] = {}
        if rng.random() < 0.85:
            record[rng.choice(["card", "card", "pan"])] = rng.choice(["a", "b"])
        if rng.random() < 0.9:
            cents = rng.choice([0, 5, -5, 700, "500", None, 2.5, True])
            record[rng.choice(["cents", "cents", "amount"])] = cents
        if rng.random() < 0.3:
            record["amount"] = 9
        if rng.random() < 0.3:
            record["channel"] = "app"
        records.append(record)
    return records, renamed


EXERCISE = Exercise(
    id="L14.6",
    name="read_payments",
    kind="independent",
    minutes=15,
    task="Count what can be counted, and tell of every record that cannot.",
    reference=reference,
    cases=(
        ([{"card": "a", "cents": 5}, {"card": "a", "amount": 7}, {"card": "a", "cents": 2}], {}),
        ([{"card": "a", "cents": 5}, {"card": "a", "amount": 7}], {"amount": "cents"}),
        ([{"card": "a", "cents": 5, "channel": "app"}], {}),
        ([{"card": "a", "cents": "500"}, {"card": "b", "cents": 0}], {}),
        ([{"card": "a", "cents": True}, {"card": "a", "cents": 3}], {}),
        ([{"cents": 5}, {"card": "b", "cents": -5}, {}], {}),
        ([{"pan": "a", "amount": 7}, {"pan": "a", "cents": 1}], {"amount": "cents", "pan": "card"}),
        ([{"card": "a", "cents": 5, "amount": 900}], {"amount": "cents"}),
        ([{"card": "a", "cents": None, "amount": 900}], {"amount": "cents"}),
        ([{"pan": "a", "amount": "7"}], {"amount": "cents", "pan": "card"}),
        ([], {"amount": "cents"}),
    ),
    random_case=random_case,
    trace=trace,
    rule="More fields than known are fine; a field too few makes a dead letter that names it.",
    next_step="What do you do with a field that you do not know, and with one that is gone?",
    hints=(
        "Which number would tell you that nothing was lost: what went in, or what came out?",
        "Which fields does a payment need, and what do you do with all others?",
        "What does a later reader need to know of a record that you could not count?",
    ),
    discussion=(
        "Records = counted + letters: that sum is the test. Once the reader has learned the new "
        "name, the letters are sent again, and nothing was lost. Go further: the producer has "
        "renamed a field and given the old name another meaning. Who can notice?"
    ),
    misconceptions=(
        Misconception(
            name="crashes-on-unknown",
            answer=crashes_on_unknown,
            rule="One record that cannot be read must not stop all cards.",
            next_step="What becomes of the records after the first bad one?",
        ),
        Misconception(
            name="drops-silently",
            answer=drops_silently,
            rule="Who drops silently makes every sum too small, and nobody is told.",
            next_step="Which number would say how many records you have passed over?",
        ),
        Misconception(
            name="zero-for-missing",
            answer=zero_for_missing,
            rule="Unknown is not 0: a payment without an amount was not for nothing.",
            next_step="What does the total say of a card whose only amount you could not read?",
        ),
        Misconception(
            name="refuses-unknown",
            answer=refuses_unknown,
            rule="A producer may add fields: who refuses them stops at every release of others.",
            next_step="Does the record have all that you need?",
        ),
    ),
)
