"""The kill rig by its earlier name, for copies of lab 09 that were made when it was a "lab"."""

from studykit.services.kills.rig import KillRig as KillLab

__all__ = ["KillLab"]
