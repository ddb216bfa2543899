"""Errors that a person can mend, as opposed to mistakes in the program."""

from __future__ import annotations


class ForeseenError(Exception):
    """The base of every foreseeable mistake. The text is one sentence: what is wrong, what to do.

    An entry point prints the text without a traceback and ends with status 1. A text names a value
    and its remedy, and never holds a payload or a password.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows; IPython looks for a method of this name."""
        return [f"{self}"]


class ServiceAway(ForeseenError):
    """A service stayed away for longer than it is waited for; a later start finds nothing lost."""
