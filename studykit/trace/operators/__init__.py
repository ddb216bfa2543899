"""Traces of what stands around a window: a join, a sink, a kill, a served feature, held state.

Each module runs one small world step by step and keeps what a reader would see after each step;
`studykit.figures.operators` draws it.
"""
