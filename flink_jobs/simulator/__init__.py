"""Seeded event streams with realistic disorder.

Everything here is pure: a stream follows from its arguments alone, reads no clock, and is a
generator that holds in memory only what is under way. Begin with `traffic.py`, which is the whole:
`cards.py` and `visits.py` make events, `arrivals.py` sends them, and `disorder.py` delays, copies
and breaks what is sent (`defects.py` lists how). `handbook.py` is the data set behind the cards,
`golden.py` a log whose right answers are known.
"""
