"""An inquiry: one question about one key, put to a log of any length."""

from __future__ import annotations

from collections.abc import Iterable

from flink_jobs.config import Settings
from flink_jobs.connectors.names import FEATURES, Names
from flink_jobs.events import Record
from flink_jobs.features.catalog import CATALOG, FeatureSet
from flink_jobs.inspection.explanation import Explanation, InquiryError, explain
from flink_jobs.inspection.trail import FiredRow, Trail


class Inquiry:
    """Follows a key through every partition of its topic, and explains its rows."""

    def __init__(
        self,
        feature_set: FeatureSet,
        settings: Settings,
        key: str,
        window_end: int | None = None,
        *,
        whole: bool = False,
    ) -> None:
        """Ask about one window, the newest (None), or with `whole` about any."""
        self.feature_set = feature_set
        self.settings = settings
        self.key = key
        self.trails: dict[int, Trail] = {}
        self._window_end = window_end
        self._whole = whole

    def read(self, records: Iterable[Record]) -> None:
        """Follow records in arrival order; those of other topics are passed over."""
        for record in records:
            if record.topic != self.feature_set.source:
                continue
            trail = self.trails.get(record.partition)
            if trail is None:
                trail = self.trails[record.partition] = Trail(
                    self.feature_set,
                    self.settings,
                    self.key,
                    record.partition,
                    window_end=self._window_end,
                    whole=self._whole,
                )
            trail.follow(record)

    def finish(self) -> None:
        """End a bounded log: every open window fires."""
        for trail in self.trails.values():
            trail.finish()

    @property
    def newest(self) -> tuple[int, FiredRow] | None:
        """The newest row of the key and its partition; None where no window has fired."""
        rows = [(number, trail.newest) for number, trail in self.trails.items() if trail.newest]
        return max(
            rows, key=lambda found: (found[1].row.window_end, found[1].row.revision), default=None
        )

    def answer(self, window_end: int | None = None, revision: int | None = None) -> Explanation:
        """Explain a row; the arguments are those of `explain`.

        Raises:
            InquiryError: The key has no record, or no such window.
        """
        chosen = self._window_end if window_end is None else window_end
        return explain(
            self.trails.values(), self.feature_set, self.settings, self.key, chosen, revision
        )


def split_key(text: str, names: Names = FEATURES) -> tuple[FeatureSet | None, str]:
    """Return the feature set and the key that a person means by `text`, by what keys are called.

    >>> split_key("features:fraud:card_1")[1], split_key("card_1")
    ('card_1', (None, 'card_1'))
    >>> split_key("green:fraud:card_1", Names("green"))[1]
    'card_1'

    Raises:
        InquiryError: There is no such feature set, or no key.
    """
    known = {feature_set.name: feature_set for feature_set in CATALOG}
    prefix = f"{names.prefix}:"
    name, colon, key = text.removeprefix(prefix).partition(":")
    if not colon and not text.startswith(prefix) and text:
        return None, text
    if name not in known:
        raise InquiryError(f"{text}: there is no feature set {name!r}: choose {', '.join(known)}")
    if not key:
        raise InquiryError(f"{text}: a key is missing: write {prefix}{name}:KEY")
    return known[name], key
