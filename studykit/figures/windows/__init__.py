"""Figures of windows: which windows an event enters, how a window lives, what its firings send."""
