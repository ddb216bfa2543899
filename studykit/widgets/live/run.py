"""A button that starts something real for a while, beside the kernel: only for a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Lock, Thread
from typing import Any, ClassVar, Final, Generic, TypeVar

import ipywidgets as widgets

from flink_jobs.errors import ForeseenError
from studykit.widgets import page

Running = TypeVar("Running")

_COUNT_S: Final = 5.0
_TURN: Final = Lock()
"""Held by the run whose turn it is: a machine has room for what one of them starts."""
_PRESSED: Final[set[Event]] = set()
"""The ends of the runs whose start button was pressed, and which have not ended."""


class LiveRun(widgets.VBox, Generic[Running]):  # type: ignore[misc]  # ipywidgets has no types
    """Start and stop buttons, a sentence and a picture, for what runs beside the kernel.

    Nothing starts before the button is pressed: a run of the lesson without a person only makes the
    button. What was started ends by itself, with the button, with the kernel, or when the next one
    is started: a cell that is run again makes new buttons, and nobody has those of the older run. A
    subclass says in `watch` what is done while it runs.
    """

    SAYS: str
    """What remains where no kernel runs."""
    STARTS: str
    """What starts, and how long that takes."""
    _shown: ClassVar[dict[type, LiveRun[Any]]] = {}
    """The newest of each kind: a cell that is run again ends what its old buttons have started."""

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Running]],
        start: str,
        controls: list[Any],
    ) -> None:
        """Offer to start.

        Args:
            opened: What starts, and stops at its end.
            start: What is written on the button.
            controls: Further controls.
        """
        self._opened = opened
        self.ended = Event()
        if before := self._shown.get(type(self)):
            before.ended.set()
        self._shown[type(self)] = self
        self.thread: Thread | None = None
        self.start = widgets.Button(description=start, layout=widgets.Layout(width="14em"))
        self.stop = widgets.Button(description="Stop", disabled=True)
        self.said = widgets.HTML(page.status(f"Nothing runs yet. {self.STARTS}"))
        self.image = widgets.HTML()
        self.start.on_click(self._start)
        self.stop.on_click(self._stop)
        wrapped = {"flex_flow": "row wrap"}
        super().__init__(
            [
                widgets.HBox([self.start, self.stop], layout=wrapped),
                widgets.HBox(controls, layout=wrapped),
                self.said,
                self.image,
            ]
        )

    def watch(self, running: Running) -> str:
        """Do what is to be done until the end; return what is to be said of it.

        Raises:
            NotImplementedError: A subclass does it.
        """
        raise NotImplementedError

    def _start(self, *_: object) -> None:
        """Run in a thread: cells and buttons go on answering."""
        self.start.disabled = True
        self.stop.disabled = False
        self.ended.clear()
        for older in tuple(_PRESSED):
            older.set()
        _PRESSED.add(self.ended)
        self.said.value = page.status(self.STARTS)
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _stop(self, *_: object) -> None:
        self.stop.disabled = True
        self.ended.set()
        self.said.value = page.status("It stops, which takes some seconds.")

    def _run(self) -> None:
        """Run until the end; whatever happens, say how it ended."""
        try:
            # The turn first: what an older run has started is gone before this one starts.
            with _TURN, self._counted() as begun, self._opened() as running:
                begun.set()
                told = self.watch(running)
                self.said.value = page.status("It stops, which takes some seconds.")
            told = f"{told} All is stopped, and nothing is left behind.".strip()
            self.said.value = page.status(told)
        except ForeseenError as error:
            self.said.value = page.alert(f"{error}. The lesson goes on without it.")
        except Exception as error:  # nobody would see it in a thread
            self.said.value = page.alert(
                f"It failed with {type(error).__name__}: {error}. Start again, or go on without it."
            )
        finally:
            _PRESSED.discard(self.ended)
            self.start.disabled, self.stop.disabled = False, True

    @contextmanager
    def _counted(self) -> Iterator[Event]:
        """Say every few seconds how long it has been starting, until the event that is yielded."""
        begun, began = Event(), time.monotonic()

        def count() -> None:
            while not begun.wait(_COUNT_S):
                if not self.ended.is_set():
                    so_far = f"{time.monotonic() - began:.0f} s so far."
                    self.said.value = page.status(f"{self.STARTS} {so_far}")

        counting = Thread(target=count, daemon=True)
        counting.start()
        try:
            yield begun
        finally:
            begun.set()
            counting.join()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        return page.bundle(super()._repr_mimebundle_(**kwargs), b"", self.SAYS)
