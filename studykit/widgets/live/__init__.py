"""Widgets over something real that goes on: a button starts it, and a knob reaches it."""
