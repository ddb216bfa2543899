"""What lesson 09 says of Flink's checkpoints: aligned, owned by the job, and claimed by uid."""

from __future__ import annotations

import pytest
from pyflink.java_gateway import get_gateway

from tests.support.services.flink import Flink

pytestmark = pytest.mark.jvm


@pytest.mark.claim("flink-checkpoints-are-aligned-by-default")
def test_a_checkpoint_is_unaligned_only_where_it_is_asked_for(flink: Flink):
    assert not flink.env.get_checkpoint_config().is_unaligned_checkpoints_enabled()


@pytest.mark.claim("flink-keeps-checkpoints-of-a-cancelled-job-on-request")
def test_a_checkpoint_is_kept_after_a_cancel_only_where_it_is_asked_for(flink: Flink):
    options = get_gateway().jvm.org.apache.flink.configuration.CheckpointingOptions
    kept = options.EXTERNALIZED_CHECKPOINT_RETENTION.defaultValue()
    assert str(kept.name()) == "NO_EXTERNALIZED_CHECKPOINTS"


@pytest.mark.claim("flink-unclaimed-state-stops-the-start")
def test_state_that_nobody_claims_is_not_ignored(flink: Flink):
    options = get_gateway().jvm.org.apache.flink.configuration.StateRecoveryOptions
    assert options.SAVEPOINT_IGNORE_UNCLAIMED_STATE.defaultValue() is False
