"""A payment of one's own: here on a pipeline whose store and dead letters stand in lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from studykit.errors import StudyError
from studykit.widgets.live.payment import LivePayment


class PaymentTimes(NamedTuple):
    event_ms: int
    stored_ms: int


class Refusal(NamedTuple):
    number: int
    reason: str
    missed: int


class Scripted:
    """A pipeline that does a thing of a script at each look, and has a row once it was paid."""

    def __init__(self, *script: Callable[[], object], stop: Callable[[], object]) -> None:
        self._script = iter([*script, stop])
        self.paid: list[PaymentTimes] = []
        self.letters: list[Refusal] = []

    def pay(self, cents: int, ago_ms: int = 0) -> PaymentTimes:
        self.paid.append(PaymentTimes(100_000 - ago_ms, 100_007))
        if ago_ms:
            self.letters.append(
                Refusal(len(self.paid), "late" if ago_ms > 60_000 else "partial_late", 5)
            )
        return self.paid[-1]

    def features(self) -> dict[str, Any] | None:
        next(self._script)()
        row = {"window_start": 60_000, "window_end": 120_000, "tx_count": 1}
        return {**row, "amount_sum_cents": 1_200} if self.paid else None

    def refusals(self) -> list[Refusal]:
        letters, self.letters = self.letters, []
        return letters


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studykit.widgets.live.payment._REFRESH_S", 0.001)


def ran(*script: Callable[[LivePayment], object]) -> tuple[LivePayment, list[str]]:
    """Run a script of presses; return the widget, and what it has said after each of them."""
    said: list[str] = []
    bound = [lambda step=step: step(shown) for step in script]

    @contextmanager
    def opened() -> Iterator[Scripted]:
        yield Scripted(*bound, stop=shown.stop.click)

    shown = LivePayment(opened=opened)
    shown.said.observe(lambda change: said.append(change["new"]), "value")
    shown.start.click()
    assert shown.thread is not None
    shown.thread.join(60)
    assert not shown.thread.is_alive()
    return shown, said


def pays(ago_ms: int) -> Callable[[LivePayment], object]:
    def press(shown: LivePayment) -> None:
        assert not shown.pay.disabled
        shown.ago.value = ago_ms
        shown.pay.click()

    return press


def test_nothing_starts_without_a_person() -> None:
    shown = LivePayment(opened=lambda: pytest.fail("it starts"))
    assert shown._repr_mimebundle_()["text/plain"].startswith("A button")
    assert (shown.thread, shown.pay.disabled) == (None, True)


def test_what_was_paid_comes_out_as_a_feature() -> None:
    shown, said = ran(pays(0))
    assert any("from 00:01:00 to 00:02:00 your card has paid once, 12.00" in s for s in said)
    assert "You have paid once. All is stopped, and nothing is left behind." in shown.said.value
    assert shown.pay.disabled


def test_each_payment_has_both_of_its_times() -> None:
    shown, _ = ran(pays(30_000), lambda _: None)
    cells = re.findall(r"<td>(.*?)</td>", shown.image.value)
    assert cells[:4] == ["#1", "00:01:10", "00:01:40", "30.007 s"]


@pytest.mark.parametrize(
    ("ago_ms", "fate"),
    [
        (0, "counted in each of its minutes"),
        (30_000, "it missed 5 of its minutes: dead letter partial_late"),
        (600_000, "it missed all 5 of its minutes: dead letter late"),
    ],
)
def test_a_payment_that_comes_late_says_what_it_has_missed(ago_ms: int, fate: str) -> None:
    shown, _ = ran(pays(ago_ms), lambda _: None, lambda _: None)
    assert fate in shown.image.value


def test_what_does_not_start_or_ends_is_a_sentence() -> None:
    def refuse() -> None:
        raise StudyError("no Java was found")

    shown = LivePayment(opened=refuse)
    shown.start.click()
    shown.thread.join(60)
    assert "no Java was found. The lesson goes on without it." in shown.said.value
    assert (shown.start.disabled, shown.stop.disabled, shown.pay.disabled) == (False, True, True)


def test_a_cell_that_is_run_again_ends_what_its_old_button_has_started() -> None:
    old = LivePayment(opened=lambda: pytest.fail("it starts"))
    LivePayment(opened=lambda: pytest.fail("it starts"))
    assert old.ended.is_set()
