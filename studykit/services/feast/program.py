"""What runs in Feast's own environment: rows in, four answers out.

It imports nothing of the course. The standard input is a JSON object with the `port` of an empty
Redis, a `folder` for files, the `rows` of one card in the order in which they were written, and the
moment `at_ms`. The last line of the standard output is a JSON object with the answers.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any


def main(asked: dict[str, Any]) -> dict[str, int]:
    """Return what Feast serves and joins, as it is often set up, and with other times."""
    import pandas  # noqa: PLC0415 - only Feast's environment has it

    folder = Path(asked["folder"])
    rows = pandas.DataFrame(
        {
            "card": "c7",
            "window_end": _at(row["window_end"]),
            "revised": _at(row["window_end"] + row["revision"]),  # a correction is 1 ms newer
            "readable": _at(row["visible_ms"]),
            "tx_count": row["value"],
        }
        for row in asked["rows"]
    )
    rows.to_parquet(folder / "rows.parquet")
    store = _store(folder, asked["port"])

    def served(view: str) -> int:
        for number in range(len(rows)):  # one write for each row, as a job writes
            store.write_to_online_store(view, rows.iloc[[number]])
        answer = store.get_online_features([f"{view}:tx_count"], [{"card": "c7"}]).to_dict()
        return int(answer["tx_count"][0])

    def joined(view: str) -> int:
        label = pandas.DataFrame({"card": ["c7"], "event_timestamp": [_at(asked["at_ms"])]})
        table = store.get_historical_features(label, [f"{view}:tx_count"]).to_df()
        return int(table["tx_count"][0])

    return {
        "served": served("window_end"),
        "joined": joined("window_end"),
        "served_by_revision": served("revised"),
        "joined_by_readable": joined("readable"),
    }


def _store(folder: Path, port: int) -> Any:  # noqa: ANN401 - only Feast's environment has its types
    """Return a store over the rows of a folder, with a view for each column of times."""
    from feast import Entity, FeatureStore, RepoConfig  # noqa: PLC0415
    from feast.value_type import ValueType  # noqa: PLC0415

    store = FeatureStore(
        config=RepoConfig(
            project="lesson",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "redis", "connection_string": f"127.0.0.1:{port}"},
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
        )
    )
    card = Entity(name="card", join_keys=["card"], value_type=ValueType.STRING)
    rows = str(folder / "rows.parquet")
    views = [_view(name, card, rows) for name in ("window_end", "revised", "readable")]
    store.apply([card, *views])
    return store


def _view(times: str, card: Any, rows: str) -> Any:  # noqa: ANN401
    """Return the view of `rows` in which a row's time is in the column `times`."""
    from feast import FeatureView, Field, FileSource  # noqa: PLC0415
    from feast.types import Int64  # noqa: PLC0415

    created = "readable" if times == "window_end" else ""
    source = FileSource(
        name=times, path=rows, timestamp_field=times, created_timestamp_column=created
    )
    return FeatureView(
        name=times,
        entities=[card],
        ttl=timedelta(0),  # without an end
        schema=[Field(name="tx_count", dtype=Int64)],
        source=source,
    )


def _at(since_ms: int) -> datetime:
    return datetime.fromtimestamp(1_760_000_400 + since_ms / 1_000, tz=timezone.utc)


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
