"""A line under a running cell that says what is waited for, and for how long already."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Final

_EVERY_S: Final = 1.0


class Interruption(KeyboardInterrupt):
    """An interrupt of a cell that waits. A notebook shows one sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows; IPython looks for a method of this name."""
        return ["interrupted: run the cell again"]


@contextmanager
def wait_line(waits_for: str) -> Iterator[None]:
    """Show a line under the running cell while the body runs; at the end the line goes.

    What takes less than a second shows nothing, nor does a wait outside of a notebook. With the
    line goes whatever the cell has shown before: it is for a wait at the beginning of a cell.

    Args:
        waits_for: What is waited for, and how long that takes: words that seconds may follow.

    Raises:
        Interruption: The cell of a notebook was interrupted.
    """
    over = threading.Event()
    shown: list[None] = []
    counting = threading.Thread(
        target=copy_context().run,  # the context says to which cell an output belongs
        args=(_count, waits_for, over, shown),
        name="wait line",
        daemon=True,
    )
    if _in_notebook():
        counting.start()
    try:
        yield
    except KeyboardInterrupt:
        raise (Interruption if _in_notebook() else KeyboardInterrupt) from None
    finally:
        over.set()
        if counting.ident is not None:
            counting.join()
        if shown:
            from IPython.display import clear_output  # noqa: PLC0415 - slow to load

            clear_output()


def _in_notebook() -> bool:
    """Return whether a cell runs in this thread: a widget's thread has no output of its own."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel") and threading.current_thread() is threading.main_thread()


def _count(waits_for: str, over: threading.Event, shown: list[None]) -> None:
    from IPython.display import display  # noqa: PLC0415 - slow to load

    began, handle = time.monotonic(), None
    while not over.wait(_EVERY_S):
        line = {"text/plain": f"{waits_for}: {time.monotonic() - began:.0f} s"}
        if handle is None:
            handle = display(line, raw=True, display_id=True)
            shown.append(None)
        else:
            handle.update(line, raw=True)
