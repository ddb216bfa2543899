"""Asking the running system: an explanation from Kafka's log, beside what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import msgspec
import redis
from kafka.structs import OffsetAndMetadata
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import in_order
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import open_answering, read_features
from flink_jobs.connectors.redis_errors import StoreUnusable, trouble
from flink_jobs.connectors.topic_log import TopicLog, commits_of
from flink_jobs.errors import ForeseenError, ServiceAway
from flink_jobs.events import Record
from flink_jobs.features.catalog import CATALOG, FeatureSet
from flink_jobs.features.row import FeatureRow
from flink_jobs.inspection.explanation import (
    Explanation,
    InquiryError,
    differences,
    expected_hash,
)
from flink_jobs.inspection.inquiry import Inquiry, split_key
from flink_jobs.inspection.progress import Watch
from flink_jobs.processor.group.commits import delivered_until, settings_of


class Answer(Struct, frozen=True, kw_only=True):
    """An explanation, and how it compares with what is stored."""

    explanation: Explanation
    stored_in: str | None
    """`redis`, or the feature topic; None where neither holds the row or neither was asked."""
    stored: dict[str, Any] | None
    differences: dict[str, list[Any]]
    """Fields whose stored value is not the explained one: stored, explained."""
    equal: bool | None
    """Whether the stored value is the explained one; None where there is nothing to compare."""
    notes: list[str]
    """Further sentences that a reader should know."""


def ask(settings: Settings, text: str, window_end: int | None, watch: Watch) -> Answer:
    """Explain a stored value from the log in Kafka.

    Args:
        settings: Where the services are; windows and bound are those of the group's commits.
        text: A key of the store, or only its last part.
        window_end: The window; None for the one that Redis holds, else the newest.
        watch: Shows the progress.

    Raises:
        InquiryError: The question has no answer.
        KafkaUnusable: The log cannot be read.
    """
    names = Names(settings.features_prefix)
    feature_set, key = split_key(text, names)
    hashes, notes = _hashes(settings, [feature_set] if feature_set else CATALOG, key)
    if feature_set is None:
        feature_set = _only(hashes, key)
    held = hashes.get(feature_set.name)
    commits = commits_of(settings, feature_set.source)
    used = settings_of(next(iter(commits.values()), None), settings)
    notes += _other_settings(settings, used)
    asked = window_end if window_end is not None or held is None else held.get("window_end")
    inquiry = Inquiry(feature_set, used, key, asked)
    log = TopicLog(settings, feature_set.source)
    for batch in watch(log.read(), log.size):
        inquiry.read(batch)
    where: str | None = "redis"
    stored = held if held is not None and held.get("window_end") == asked else None
    if stored is None:
        stored, where = (
            _row_in_topic(settings, feature_set, key, asked, watch),
            names.topic(feature_set.name),
        )
    explanation = _explained(inquiry, feature_set, key, asked, stored)
    notes += _newer(inquiry, feature_set, held, commits)
    return _compared(explanation, stored, where, notes)


def ask_file(
    records: Iterable[Record], settings: Settings, text: str, window_end: int | None
) -> Answer:
    """Explain a row of a log file's replay; the arguments are those of `ask`.

    Raises:
        InquiryError: The question has no answer.
        LogFileError: The file is no log.
    """
    feature_set, key = split_key(text)
    if feature_set is None:
        raise InquiryError(f"which feature set? Write features:fraud:{key}, or another set's name")
    inquiry = Inquiry(feature_set, settings, key, window_end)
    inquiry.read(in_order(records))  # type: ignore[arg-type]  # any record has what is checked
    inquiry.finish()
    return _compared(inquiry.answer(), None, None, [])


def _hashes(
    settings: Settings, sets: Iterable[FeatureSet], key: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the key's hashes by feature set, and a sentence where the store does not answer."""
    names = Names(settings.features_prefix)
    try:
        with open_answering(settings) as client:
            found = {
                feature_set.name: read_features(client, names.key(feature_set.name, key))
                for feature_set in sets
            }
    except (ServiceAway, StoreUnusable) as error:
        return {}, [f"the store cannot be asked: {error}"]
    except redis.RedisError as error:
        return {}, [f"the store cannot be asked: {trouble(error)}"]
    except ValueError:
        return {}, [f"the hash of {key!r} in Redis is not one that this system writes"]
    return {name: fields for name, fields in found.items() if fields is not None}, []


def _only(hashes: Mapping[str, Any], key: str) -> FeatureSet:
    """Return the one feature set that has a hash of a key."""
    if len(hashes) == 1:
        return next(s for s in CATALOG if s.name in hashes)
    names = ", ".join(f"features:{name}:{key}" for name in hashes or [s.name for s in CATALOG])
    found = "several hashes" if hashes else "no hash"
    raise InquiryError(f"Redis has {found} of {key!r}: ask for one of {names}")


def _other_settings(settings: Settings, used: Settings) -> list[str]:
    changed = [
        f"{setting.name.upper()}={getattr(used, setting.name)}"
        for setting in fields(Settings)
        if getattr(used, setting.name) != getattr(settings, setting.name)
    ]
    if not changed:
        return []
    return [
        f"the group {settings.kafka_group!r} works with {', '.join(changed)}, which is not what "
        "the environment here says: its rows are explained with its own"
    ]


def _row_in_topic(
    settings: Settings,
    feature_set: FeatureSet,
    key: str,
    window_end: int | None,
    watch: Watch,
) -> dict[str, Any] | None:
    """Return the last edition of a row in the feature topic, as the store would hold it."""
    names = Names(settings.features_prefix)
    wanted = names.key(feature_set.name, key).encode()
    best: FeatureRow | None = None
    try:
        log = TopicLog(settings, names.topic(feature_set.name))
    except ForeseenError:  # a group without output: there is nothing to compare
        return None
    for batch in watch(log.read(), log.size):
        for record in batch:
            if record.key != wanted or record.value is None:
                continue
            row = msgspec.json.decode(record.value)
            if window_end in (None, row["window_end"]) and _is_newer(row, best):
                best = row
    return None if best is None else _as_hash(best)


def _is_newer(row: Any, best: Any) -> bool:  # noqa: ANN401
    return best is None or (row["window_end"], row["revision"]) >= (
        best["window_end"],
        best["revision"],
    )


def _as_hash(row: Any) -> dict[str, Any]:  # noqa: ANN401
    features = {name: value for name, value in row["features"].items() if value is not None}
    edition = {name: row[name] for name in ("window_end", "revision", "window_start")}
    return {**edition, **features}


def _explained(
    inquiry: Inquiry,
    feature_set: FeatureSet,
    key: str,
    window_end: int | None,
    stored: Mapping[str, Any] | None,
) -> Explanation:
    if stored is not None and not any(trail.count for trail in inquiry.trails.values()):
        raise InquiryError(
            f"{feature_set.redis_key(key)} is stored, and topic {feature_set.source} has no record "
            "of it: its records are deleted, or somebody else wrote it"
        )
    revision = None if stored is None else stored.get("revision")
    try:
        return inquiry.answer(window_end, revision)
    except InquiryError:
        if revision is None:
            raise
        return inquiry.answer(window_end)


def _newer(
    inquiry: Inquiry,
    feature_set: FeatureSet,
    held: Mapping[str, Any] | None,
    commits: Mapping[int, OffsetAndMetadata],
) -> list[str]:
    """Say where the log has a newer row than the store."""
    if inquiry.newest is None:
        return []
    number, fired = inquiry.newest
    newest = fired.row.window_end, fired.row.revision
    if held is not None and newest <= (held.get("window_end", 0), held.get("revision", 0)):
        return []
    delivered = delivered_until(commits[number]) if number in commits else None
    text = (
        f"the log's newest row of the key is of the window that ends at {newest[0]}, revision "
        f"{newest[1]}, fired by offset {fired.offset} of partition {number}"
    )
    if delivered is None or (fired.offset or 0) >= delivered:
        until = "" if delivered is None else f", which has delivered up to offset {delivered}"
        return [f"{text}: it is still to come from the group{until}"]
    if held is None:
        return [f"{text}: Redis no longer holds it, or never did; a row expires after its time"]
    return [f"{text}: the group has delivered it, and Redis holds an older one"]


def _compared(
    explanation: Explanation,
    stored: dict[str, Any] | None,
    where: str | None,
    notes: list[str],
) -> Answer:
    differ = {}
    if stored is not None:
        differ = differences(stored, _expected(explanation, stored))
    return Answer(
        explanation=explanation,
        stored_in=where if stored is not None else None,
        stored=stored,
        differences=differ,
        equal=None if stored is None else not differ,
        notes=notes,
    )


def _expected(explanation: Explanation, stored: Mapping[str, Any]) -> dict[str, Any]:
    if explanation.features is None:
        return {}
    expected = expected_hash(explanation)
    return {
        name: value
        for name, value in expected.items()
        if name in stored or name != "schema_version"  # a feature topic's rows carry none
    }
