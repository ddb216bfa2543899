"""What a person can put right, as opposed to a mistake in the program."""

from __future__ import annotations


class ForeseenError(Exception):
    """The base of every foreseeable mistake. Its text is one sentence: what is wrong, what to do.

    An entry point prints the text without a traceback and ends with status 1.
    """


class Unavailable(ForeseenError):
    """A service stayed away."""
