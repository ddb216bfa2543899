"""The card payments of the Fraud Detection Handbook, draw for draw.

The handbook is Le Borgne, Siblini, Lebichot and Bontempi, "Reproducible Machine Learning for
Credit Card Fraud Detection", chapter 3. Customers and terminals stand on a square of 100 by 100;
a customer pays at the terminals close by. The published counts come out exactly, because every
number is drawn from the same generators in the same order: NumPy's legacy `RandomState`, whose
streams are frozen, and Python's `random`. Whoever changes the order of two draws gets another data
set.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

CUSTOMERS: Final = 5_000
TERMINALS: Final = 10_000
DAYS: Final = 183
RADIUS: Final = 5.0
SQUARE: Final = 100.0
DAY_SECONDS: Final = 86_400
FIRST_DAY_MS: Final = 1_522_540_800_000
"""2018-04-01 00:00 UTC, the first day of the data set."""

LARGE_AMOUNT_CENTS: Final = 22_000
LABELLED_DAYS: Final = 182
"""Frauds are planted on days 0 to 181; the last day gets none of its own."""


class Customers(NamedTuple):
    """One row per customer. `mean` is the mean amount, `rate` the mean number of payments a day."""

    x: Floats
    y: Floats
    mean: Floats
    rate: Floats


class Terminals(NamedTuple):
    """One row per terminal: its place on the square."""

    x: Floats
    y: Floats


class Payments(NamedTuple):
    """One row per payment, in order of time; the row number is the transaction's id."""

    seconds: Ints
    """Seconds since midnight of the first day."""
    customer: Ints
    terminal: Ints
    cents: Ints


class LabelledPayments(NamedTuple):
    """Payments after the frauds were planted.

    `scenario` is 0 for an honest payment, else the last of the three scenarios that hit it.
    `added` counts the payments that each scenario turned from honest to fraud.
    """

    payments: Payments
    scenario: Ints
    added: tuple[int, int, int]


def customers(count: int = CUSTOMERS, seed: int = 0) -> Customers:
    """Draw `count` customers; a larger count only adds rows.

    >>> people = customers(1)
    >>> print(f"{people.x[0]:.6f} {people.y[0]:.6f} {people.mean[0]:.6f} {people.rate[0]:.6f}")
    54.881350 71.518937 62.262521 2.179533
    """
    draws = RandomState(seed).random_sample((count, 4))
    x, y, mean, rate = (draws * [SQUARE, SQUARE, 95.0, 4.0] + [0.0, 0.0, 5.0, 0.0]).T
    return Customers(x, y, mean, rate)


def terminals(count: int = TERMINALS, seed: int = 1) -> Terminals:
    """Draw `count` terminals; a larger count only adds rows."""
    x, y = (RandomState(seed).random_sample((count, 2)) * SQUARE).T
    return Terminals(x, y)


def reachable(people: Customers, places: Terminals, radius: float = RADIUS) -> list[Ints]:
    """Return for each customer the terminals closer than `radius`, in ascending order.

    A terminal at exactly `radius` is out of reach.
    """
    by_x = np.argsort(places.x)
    sorted_x = places.x[by_x]
    reach = []
    for x, y in zip(people.x.tolist(), people.y.tolist(), strict=True):
        low, high = np.searchsorted(sorted_x, (x - radius, x + radius))
        near = by_x[low:high]
        squares = (places.x[near] - x) ** 2 + (places.y[near] - y) ** 2
        reach.append(np.sort(near[np.sqrt(squares) < radius]))
    return reach


def payments(people: Customers, reach: list[Ints], days: int = DAYS) -> Payments:
    """Draw the payments of all customers over `days` days, without any fraud.

    The whole data set, 1,754,155 payments, takes some seconds.
    """
    rows = [
        _of_one_customer(customer, people, places, days) for customer, places in enumerate(reach)
    ]
    counts = [len(seconds) for seconds, _, _ in rows]
    seconds, cents, terminal = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.argsort(seconds, kind="stable")
    customer = np.repeat(np.arange(len(reach)), counts)
    return Payments(seconds[order], customer[order], terminal[order], cents[order])


def _of_one_customer(
    customer: int, people: Customers, places: Ints, days: int
) -> tuple[Ints, Ints, Ints]:
    """Draw one customer's payments: seconds, cents and terminals, day by day.

    `RandomState.normal(loc, scale)` is `loc + scale * standard_normal()`. The written-out form
    costs a tenth: a scalar call spends its time on checking the arguments.
    """
    numbers, choices = RandomState(customer), random.Random(customer)
    mean, rate = people.mean[customer].item(), people.rate[customer].item()
    std, normal = mean / 2, numbers.standard_normal
    seconds: list[int] = []
    amounts: list[float] = []
    terminal: list[int] = []
    options = places.tolist()
    for day in range(days):
        for _ in range(numbers.poisson(rate)):
            second = int(43_200 + 20_000 * normal())
            if not 0 < second < DAY_SECONDS:
                continue  # without drawing an amount, as the handbook does
            amount = mean + std * normal()
            if amount < 0:
                amount = numbers.uniform(0, mean * 2)
            if options:
                terminal.append(choices.choice(options))
                seconds.append(day * DAY_SECONDS + second)
                amounts.append(amount)
    return _ints(seconds), np.rint(np.array(amounts) * 100).astype(np.int64), _ints(terminal)


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def plant_frauds(
    honest: Payments, people: int = CUSTOMERS, places: int = TERMINALS
) -> LabelledPayments:
    """Plant the handbook's three kinds of fraud; a later one overwrites an earlier one's label.

    1. Every amount over 220. 2. Each day two terminals are skimmed for 28 days: every payment there
    is fraud. 3. Each day three customers lose their card's number for 14 days: a third of their
    payments is five times as high, and fraud. An amount may be raised more than once.
    """
    day = honest.seconds // DAY_SECONDS
    cents = honest.cents.copy()
    scenario = np.where(cents > LARGE_AMOUNT_CENTS, 1, 0)
    frauds = [int(np.count_nonzero(scenario))]
    _skim_terminals(scenario, honest.terminal, day, places)
    frauds.append(int(np.count_nonzero(scenario)))
    _steal_numbers(scenario, cents, honest.customer, day, people)
    frauds.append(int(np.count_nonzero(scenario)))
    added = (frauds[0], frauds[1] - frauds[0], frauds[2] - frauds[1])
    return LabelledPayments(honest._replace(cents=cents), scenario, added)


def drawn_on(day: int, population: int, count: int) -> list[int]:
    """Return the terminals or customers that fall victim on `day`.

    >>> drawn_on(0, TERMINALS, 2), drawn_on(0, CUSTOMERS, 3)
    ([9394, 898], [398, 3833, 4836])
    """
    chosen: list[int] = RandomState(day).choice(population, count, replace=False).tolist()
    return chosen


def _skim_terminals(scenario: Ints, terminal: Ints, day: Ints, places: int) -> None:
    rows_of = _rows_by_entity(terminal, places)
    for start in range(LABELLED_DAYS):
        for victim in drawn_on(start, places, 2):
            rows = rows_of[victim]
            scenario[rows[(day[rows] >= start) & (day[rows] < start + 28)]] = 2


def _steal_numbers(scenario: Ints, cents: Ints, customer: Ints, day: Ints, people: int) -> None:
    rows_of = _rows_by_entity(customer, people)
    for start in range(LABELLED_DAYS):
        victims = drawn_on(start, people, 3)
        rows = np.sort(np.concatenate([rows_of[victim] for victim in victims]))
        rows = rows[(day[rows] >= start) & (day[rows] < start + 14)]
        stolen = random.Random(start).sample(rows.tolist(), len(rows) // 3)
        cents[stolen] *= 5
        scenario[stolen] = 3


def _rows_by_entity(entity: Ints, count: int) -> list[Ints]:
    """Return for each entity its row numbers, ascending."""
    order = np.argsort(entity, kind="stable")
    ends = np.searchsorted(entity[order], np.arange(1, count))
    return np.split(order, ends)
