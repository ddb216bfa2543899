"""What the output of a job is called: its topics, and its keys in the feature store.

All names begin with one prefix. A job of another prefix writes beside the first, as in a replay
under other rules, and no reader of the first sees anything of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.features.catalog import CATALOG

DEFAULT: Final = "features"
"""The prefix where nobody chooses one."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a prefix.

    >>> Names().key("fraud", "card_00042"), Names("green").topic("fraud")
    ('features:fraud:card_00042', 'green-fraud')
    >>> Names().letters, Names("green").letters
    ('dead-letter', 'green-dead-letter')
    """

    prefix: str = DEFAULT

    def topic(self, feature_set: str) -> str:
        """Return the topic of a feature set's rows."""
        return f"{self.prefix}-{feature_set}"

    def key(self, feature_set: str, key: str) -> str:
        """Return the key of an entity's hash, which is also the key of its rows' records."""
        return f"{self.prefix}:{feature_set}:{key}"

    @property
    def letters(self) -> str:
        """The topic of the dead letters."""
        default = self.prefix == DEFAULT
        return DEAD_LETTER_TOPIC if default else f"{self.prefix}-{DEAD_LETTER_TOPIC}"

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics of the output."""
        return (*(self.topic(feature_set.name) for feature_set in CATALOG), self.letters)


FEATURES: Final = Names()
"""The names that readers know."""
