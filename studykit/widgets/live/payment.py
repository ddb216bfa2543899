"""A payment of one's own on the real pipeline: an event goes in, a feature comes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any, Final, Protocol

import ipywidgets as widgets

from flink_jobs.errors import ForeseenError
from studykit.figures.exhibit import Row
from studykit.widgets import page
from studykit.widgets.live.run import LiveRun

CENTS: Final = 1_200
_REFRESH_S: Final = 1.0
_AGO: Final = [("just now", 0), ("half a minute ago", 30_000), ("ten minutes ago", 600_000)]


class PaymentTimes(Protocol):
    """A payment by both clocks, epoch milliseconds."""

    @property
    def event_ms(self) -> int:
        """When it happened."""

    @property
    def stored_ms(self) -> int:
        """When the broker stored it."""


class Pipeline(Protocol):
    """What the widget needs of a running pipeline."""

    def pay(self, cents: int, ago_ms: int = 0) -> PaymentTimes:
        """Send a payment that happened so many milliseconds ago."""

    def features(self) -> dict[str, Any] | None:
        """Return the newest features of the card; None before the first."""

    def refusals(self) -> list[Any]:
        """Return new dead letters: `number` of the payment, `missed` windows, `reason`."""


def _for_real() -> AbstractContextManager[Pipeline]:
    from studykit.services.live.payments import live_payments  # noqa: PLC0415 - only if asked

    return live_payments()


class LivePayment(LiveRun[Pipeline]):
    """Pay with a card of one's own, and watch the feature of that card in the real store."""

    SAYS = "A button: start a broker, a store and the program between, and pay with your own card."
    STARTS = "A broker, a store and the program start, in ten seconds to a minute."

    def __init__(
        self,
        *,
        opened: Callable[[], AbstractContextManager[Pipeline]] = _for_real,
        last_s: float = 120,
    ) -> None:
        """Offer to start.

        Args:
            opened: What starts the pipeline.
            last_s: After how many seconds everything ends by itself.
        """
        self._last_s = last_s
        self._pipeline: Pipeline | None = None
        self._paid: list[PaymentTimes] = []
        self._fates: dict[int, str] = {}
        self.ago = widgets.Dropdown(
            description="it happened", options=_AGO, style={"description_width": "7em"}
        )
        self.pay = widgets.Button(description=f"Pay {CENTS // 100} euros", disabled=True)
        self.pay.on_click(self._pay)
        super().__init__(opened, "Start the pipeline", [self.ago, self.pay])

    def watch(self, running: Pipeline) -> str:
        """Look into the store every second; the payments come from the button."""
        self._pipeline, self._paid, self._fates = running, [], {}
        self.pay.disabled = False
        end = time.monotonic() + self._last_s
        try:
            while not self.ended.wait(_REFRESH_S) and time.monotonic() < end:
                for refusal in running.refusals():
                    self._fates[refusal.number] = _fate(refusal)
                self.said.value = page.status(self._told(running.features()))
                self.image.value = page.table(self._rows(), "Your payments")
        finally:
            self.pay.disabled = True
            self._pipeline = None
        return f"You have paid {_often(len(self._paid))}."

    def _pay(self, *_: object) -> None:
        # Looked at once: the thread of the run may end, and forget it, at any time.
        pipeline = self._pipeline
        if pipeline is None:
            return
        try:
            self._paid.append(pipeline.pay(CENTS, self.ago.value))
        except ForeseenError as error:
            self.said.value = page.alert(f"{error}.")

    def _told(self, row: dict[str, Any] | None) -> str:
        """Return what the store says of the card."""
        if not self._paid:
            return "All three run, and other cards pay. Now pay with yours."
        if row is None:
            return "The store has no row of your card yet: no minute with your payment is over."
        return (
            f"The store says: in the minute from {_clock(row['window_start'])} to "
            f"{_clock(row['window_end'])} your card has paid {_often(row['tx_count'])}, "
            f"{row['amount_sum_cents'] / 100:.2f} euros in all."
        )

    def _rows(self) -> list[Row]:
        return [
            {
                "payment": f"#{number}",
                "happened at": _clock(paid.event_ms),
                "stored at": _clock(paid.stored_ms),
                "under way": f"{(paid.stored_ms - paid.event_ms) / 1_000:.3f} s",
                "windows": self._fates.get(number, "counted in each of its minutes"),
            }
            for number, paid in enumerate(self._paid, start=1)
        ]


def _fate(refusal: Any) -> str:  # noqa: ANN401
    if refusal.reason == "late":
        return f"it missed all {refusal.missed} of its minutes: dead letter late"
    return f"it missed {refusal.missed} of its minutes: dead letter {refusal.reason}"


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _clock(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1_000, tz=timezone.utc).strftime("%H:%M:%S")
