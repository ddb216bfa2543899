"""Seeded event streams with realistic disorder.

Everything here is pure: a stream follows from its arguments alone, reads no clock, and is a
generator that holds only what is under way. `traffic` is the whole; its parts stand alone too.
"""
