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
    import pandas  # noqa: PLC0415 - only Feast's environment has both
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig  # noqa: PLC0415
    from feast.types import Int64  # noqa: PLC0415
    from feast.value_type import ValueType  # noqa: PLC0415

    folder = Path(asked["folder"])
    store = FeatureStore(
        config=RepoConfig(
            project="lesson",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "redis", "connection_string": f"127.0.0.1:{asked['port']}"},
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
        )
    )
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
    card = Entity(name="card", join_keys=["card"], value_type=ValueType.STRING)
    views = {
        name: FeatureView(
            name=name,
            entities=[card],
            ttl=timedelta(0),  # without an end
            schema=[Field(name="tx_count", dtype=Int64)],
            source=FileSource(
                name=name, path=str(folder / "rows.parquet"), timestamp_field=name,
                created_timestamp_column="readable" if name == "window_end" else "",
            ),
        )
        for name in ("window_end", "revised", "readable")
    }  # fmt: skip
    store.apply([card, *views.values()])

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


def _at(since_ms: int) -> datetime:
    return datetime.fromtimestamp(1_760_000_400 + since_ms / 1_000, tz=timezone.utc)


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
