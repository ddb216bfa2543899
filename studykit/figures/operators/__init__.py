"""Figures of operators: the state that they hold, the keys that they own, how busy they are."""
