"""The transactions topic through quixstreams: `quix_windows.py SERVERS COUNT FOLDER`."""

import gc
import json
import shutil
import sys
import time
import uuid
from pathlib import Path

from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Sum


def main() -> None:
    """Run hopping windows over the topic and print the windows emitted, and the wall seconds.

    They begin with the first event: before it, the group was joined.
    """
    servers, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    state = folder / "quix-state"
    shutil.rmtree(state, ignore_errors=True)
    seen, started = 0, 0.0

    def stop_after_last(*_: object) -> None:
        nonlocal seen, started
        seen += 1
        if seen == 1:
            started = time.perf_counter()
        if seen == count:
            app.stop()

    app = Application(
        servers,
        consumer_group=uuid.uuid4().hex,
        auto_offset_reset="earliest",
        state_dir=state,
        loglevel=None,
        use_changelog_topics=False,
        on_message_processed=stop_after_last,
    )
    topic = app.topic("transactions", timestamp_extractor=lambda value, *_: value["event_time"])
    rows: list[list[object]] = []
    stream = app.dataframe(topic)
    windows = stream.hopping_window(300_000, 60_000, grace_ms=30_000).agg(
        n=Count(), total=Sum("amount_cents"), largest=Max("amount_cents")
    )
    windows.final().update(
        lambda value, key, *_: rows.append(
            [key.decode(), value["start"], value["n"], value["total"], value["largest"]]
        ),
        metadata=True,
    )
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    app.run()
    print(json.dumps({"wall_s": time.perf_counter() - started, "rows": rows}))


if __name__ == "__main__":
    main()
