"""What lesson 11 says about Python functions on Flink."""

from __future__ import annotations

import pytest
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction

from studykit.trace.stories import STORY
from tests.support.services.flink import Flink

pytestmark = pytest.mark.jvm


class Counted(KeyedProcessFunction):
    """Count in an attribute, as one should not."""

    count = 0

    def process_element(self, value, ctx):
        self.count += 1
        yield f"{ctx.get_current_key()} {self.count}"


@pytest.mark.claim("flink-attribute-is-shared-by-keys")
def test_an_attribute_counts_the_events_of_all_keys(flink: Flink):
    cards = flink.keyed(STORY[:3])
    assert flink.run(cards.process(Counted(), Types.STRING())) == ["a 1", "b 2", "a 3"]
