"""The engine: windows, aggregates and the keyed operators. Pure: no I/O, no clock on the wall.

Begin with `windows.py`: which windows an event belongs to, and when a window is complete. Then:

- `aggregates.py`: how values become one result, in parts that merge.
- `panes.py`: the parts that overlapping windows share, and the two stacks that merge them.
- `sliding.py`, `sessions.py`: the operators; `on_event`, then `on_watermark`, then `take`.
- `joins.py`, `joins_versioned.py`: two inputs, paired within bounds or by the version of a moment.
- `firing.py`: one result of one window. `recording.py`: operators that report every change.
"""
