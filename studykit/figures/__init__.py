"""Figures: each a module with a picture, its sentence, its table and its question.

`draw(trace, step)` is pure: it reads a view of the trace and draws it. What it means is decided in
the engine. Every artist that carries meaning has a group id, as `event:7:corrected`, so that a test
can ask what a picture says.
"""
