"""What the tests of checks share: a progress of their own, and an end for every kernel."""

from tests.support.course import no_process_left, own_progress

__all__ = ["no_process_left", "own_progress"]
