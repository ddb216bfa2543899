"""What the tests of answers share: the labs, and a progress of their own."""

from tests.support.course import lab, own_progress

__all__ = ["lab", "own_progress"]
