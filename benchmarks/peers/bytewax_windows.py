"""The golden log through bytewax: `bytewax_windows.py EVENTS`; prints CPU seconds and rows."""

import gc
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SLIDE = timedelta(minutes=1)


def main() -> None:
    """Run the flow and print what it found."""
    events = json.loads(Path(sys.argv[1]).read_bytes())
    timed = [(key, (EPOCH + timedelta(milliseconds=at), amount)) for at, key, amount in events]
    found: list[tuple[str, tuple[int, list[int]]]] = []
    flow = Dataflow("windows")
    stream = op.input("in", flow, TestingSource(timed, batch_size=4096))
    clock = win.EventClock(lambda value: value[0], timedelta(seconds=30))
    windower = win.SlidingWindower(timedelta(minutes=5), SLIDE, EPOCH)
    folded = win.fold_window("fold", stream, clock, windower, lambda: [0, 0, 0], _add, _merge)
    op.output("out", folded.down, TestingSink(found))
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    started = time.process_time()
    run_main(flow)
    cpu_s = time.process_time() - started
    slide_ms = SLIDE // timedelta(milliseconds=1)
    rows = [[key, window * slide_ms, *acc] for key, (window, acc) in found]
    print(json.dumps({"cpu_s": cpu_s, "rows": rows}))


def _add(acc: list[int], value: tuple[datetime, int]) -> list[int]:
    acc[0] += 1
    acc[1] += value[1]
    acc[2] = max(acc[2], value[1])
    return acc


def _merge(left: list[int], right: list[int]) -> list[int]:
    return [left[0] + right[0], left[1] + right[1], max(left[2], right[2])]


if __name__ == "__main__":
    main()
