"""The IPython shell that runs a submission's cells, and how it is kept quiet and quick."""

from __future__ import annotations

import builtins
import os
import sys
from typing import Any, Final

OUTPUT_STATUS: Final = 97
"""Exit status of a process that printed too much."""


INSTALLERS: Final = ("conda", "mamba", "micromamba", "pip", "sx", "system", "uv")
"""Line magics that run a program."""
SHELLS: Final = ("!", "bash", "cmd", "perl", "ruby", "script", "sh", "sx", "system")
"""Cell magics whose body is for a program."""
_PAGE_MAGICS: Final = ("autosave", "clear", "config", "connect_info", "edit", "gui", "less", "man",
                       "matplotlib", "more", "pdb", "qtconsole")  # fmt: skip
"""What only a notebook's page or a terminal answers: the same in every engine."""


# A RuntimeError, as Jupyter's own is where nobody can answer: a cell may catch it.
class NotHere(RuntimeError):
    """A notebook wants what Jupyter offers and grading does not, such as `input`."""


class OutputMeter:
    """A text stream that drops its text, and ends the process when that was too much."""

    encoding = "utf-8"

    def __init__(self, budget: int) -> None:
        """Allow `budget` characters."""
        self._left = budget

    def write(self, text: str) -> int:
        """Count `text`."""
        self._left -= len(text)
        if self._left < 0:
            os._exit(OUTPUT_STATUS)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Count `lines`."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing."""

    def isatty(self) -> bool:
        """Return False."""
        return False


def make_shell() -> Any:  # noqa: ANN401
    """Return an IPython shell without history, colours or output."""
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - it takes 0.4 s
    from traitlets.config import Config  # noqa: PLC0415

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = lambda *_args, **_more: None
    tame(shell)
    return shell


def tame(shell: Any) -> None:  # noqa: ANN401
    """Let commands for a shell, an installer or a page do nothing; let `input` be an error.

    A notebook means without them what it meant in Jupyter, unless it needs what they print.
    """
    shell.system = shell.system_raw = shell.system_piped = _no_command
    shell.getoutput = _no_output
    magics = shell.magics_manager.magics
    magics["line"].update(dict.fromkeys((*INSTALLERS, *_PAGE_MAGICS), _no_command))
    magics["cell"].update(dict.fromkeys(SHELLS, _no_command))
    if hasattr(shell, "kernel"):
        shell.kernel.raw_input = shell.kernel.getpass = _no_input
    else:
        builtins.input = _no_input


def hush(budget: int) -> None:
    """Send all that this process prints nowhere, up to `budget` characters."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    count(budget)


def count(budget: int) -> None:
    """Send what Python code prints nowhere, up to `budget` characters."""
    sys.stdout = sys.stderr = OutputMeter(budget)


def count_displays(shell: Any) -> None:  # noqa: ANN401
    """Let a notebook kernel count what is displayed as printed, and send on nothing but JSON.

    Answers are JSON. All else would only wait for a reader, who may be slower than what displays
    without end.
    """

    def counted(message: dict[str, Any]) -> dict[str, Any] | None:
        data = message["content"].get("data", {})  # none where outputs are to be cleared
        print(data.get("text/plain", ""))
        return message if "application/json" in data else None

    shell.display_pub.register_hook(counted)


def run_cell(shell: Any, source: str) -> list[str] | None:  # noqa: ANN401
    """Run a cell; return the name and the text of its error, or None."""
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else [type(error).__name__, str(error)[:500]]


def _no_command(*_args: object, **_more: object) -> None:
    """Do nothing, as a command that worked and printed nothing."""


def _no_output(*_args: object, **_more: object) -> list[str]:
    """Return the lines that a command printed: none."""
    from IPython.utils.text import SList  # noqa: PLC0415

    lines: list[str] = SList()
    return lines


def _no_input(*_args: object, **_more: object) -> str:
    raise NotHere("nobody is there to answer input() while grading: use the arguments")
