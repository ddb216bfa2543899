"""Figures: each is a module with a picture, its sentence, its table and its question.

`exhibit` says what a figure offers, `plane` has the parts that several figures share. The figures
are in `clocks`, `windows` and `operators`.

`draw(trace, step)` is pure: it reads a view of the trace and draws the view. The engine alone
decides what becomes of events and windows. Every artist with a meaning has a group id, as
`event:7:corrected`, so that a test can ask what a picture says.
"""
