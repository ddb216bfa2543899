"""What the tests of the course share: its folders, a clone, and proofs that run once."""

from tests.support.course import clone, course, lab, no_process_left, own_progress, proof_of

__all__ = ["clone", "course", "lab", "no_process_left", "own_progress", "proof_of"]
