"""The alerts for Prometheus say what `/healthz` says: both are asked about the same nights.

A night is what a job's metrics show, minute by minute. Prometheus' own tool evaluates the rules on
it, and `Symptoms` compares readings of the same pages. That the metrics have these names and
labels is seen in `tests/job/test_on_kafka.py` and `tests/processor/test_on_kafka.py`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import Reading, Symptoms

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"
MINUTES: Final = 30
"""How long a night is: longer than any span of a rule and its `for`."""
NONE = -float(2**63)

Curve = Callable[[int], float]
"""A metric's value at a minute of the night."""

ALERT_OF: Final = {
    "windows": "FeaturesDropped",
    "restarts": "FeaturesRestarting",
    "checkpoints": "FeaturesCheckpointsFailing",
    "store": "FeaturesUnstored",
    "keys": "FeaturesKeyConflicts",
    "lag": "FeaturesLagGrowing",
    "partitions": "FeaturesPartitionSilent",
    "watermark": "FeaturesWatermarkStands",
    "letters": "FeaturesDeadLetters",
    "age": "FeaturesOld",
}
"""The alert of each component of which `Symptoms` tells."""


def steady(value: float) -> Curve:
    return lambda _: value


def growing(by: float, until: int = MINUTES) -> Curve:
    """Grow by so much each minute, up to a minute."""
    return lambda minute: by * min(minute, until)


def behind(seconds: float, until: int = MINUTES) -> Curve:
    """Be an event time in ms that follows the clock, up to a minute."""
    return lambda minute: 1_000 * (60 * min(minute, until) - seconds)


@dataclass(frozen=True)
class Night:
    """The curves that differ from a good night's, and what is to be told at the end."""

    told: frozenset[str] = frozenset()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    holder: str | None = None


TASK = "flink_taskmanager_job_task_operator"
MASTER = "flink_jobmanager_job"
WINDOWS = f'{TASK}_currentInputWatermark{{operator_name="GlobalWindowAggregate_1_"}}'
CLICKS = f'{TASK}_currentInputWatermark{{operator_name="GlobalWindowAggregate_2_"}}'


def mark_of(topic: str, partition: int) -> str:
    return f'{TASK}_split_watermark_currentWatermark{{split="{topic}_{partition}"}}'


def offset_of(topic: str, partition: int) -> str:
    reader = f"{TASK}_KafkaSourceReader_topic_partition_currentOffset"
    return f'{reader}{{topic="{topic}",partition="{partition}"}}'


FLINK: Final[Mapping[str, Curve]] = {
    f"{MASTER}_numRestarts": steady(7),
    f"{MASTER}_numberOfCompletedCheckpoints": growing(2),
    f"{MASTER}_numberOfFailedCheckpoints": steady(1),
    f"{TASK}_numLateRecordsDropped": steady(0),
    f"{TASK}_pendingRecords": lambda minute: 900.0 * (minute % 2),
    f'{TASK}_topic_consumed{{topic="transactions"}}': growing(1_200),
    f'{TASK}_topic_consumed{{topic="clickstream"}}': steady(0),
    f'{TASK}_reason_feature_set_dead_letters{{reason="late",feature_set="fraud"}}': growing(30),
    f'{TASK}_feature_set_unstored{{feature_set="fraud"}}': steady(3),
    f'{TASK}_feature_set_key_conflicts{{feature_set="fraud"}}': steady(3),
    WINDOWS: behind(35),
    CLICKS: steady(NONE),
    mark_of("clickstream", 0): steady(NONE),
    mark_of("clickstream", 1): steady(NONE),
    mark_of("transactions", 0): behind(30),
    mark_of("transactions", 1): behind(35),
    offset_of("transactions", 0): growing(600),
    offset_of("transactions", 1): growing(600),
    offset_of("clickstream", 0): steady(-1),
    offset_of("clickstream", 1): steady(-1),
}
"""A good night of the production job, with troubles that were over before it, and a topic in which
nothing has ever been."""


def in_s(curve: Curve) -> Curve:
    return lambda minute: curve(minute) / 1_000


def of_processor(metric: str, partition: int, **more: str) -> str:
    labels = {"topic": "transactions", "partition": str(partition), **more}
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"features_{metric}{{{text}}}"


PROCESSOR: Final[Mapping[str, Curve]] = {
    "features_processing_rate": steady(9_000),
    'features_rows_unstored_total{cause="oom"}': steady(3),
    "features_key_conflicts_total": steady(3),
    **{of_processor("lag_records", n): steady(40) for n in (0, 1)},
    **{of_processor("watermark_timestamp_seconds", n): in_s(behind(31)) for n in (0, 1)},
    **{of_processor("consumed_total", n, feature_set="fraud"): growing(600) for n in (0, 1)},
    of_processor("records_total", 0, feature_set="fraud", verdict="accepted"): growing(580),
    of_processor("records_total", 0, feature_set="fraud", verdict="late"): growing(20),
}
"""A good night of the development processor."""

NIGHTS: Final[Mapping[str, tuple[Mapping[str, Curve], Night]]] = {
    "flink, well": (FLINK, Night()),
    "flink, windows drop": (
        FLINK,
        Night(frozenset({"windows"}), {f"{TASK}_numLateRecordsDropped": steady(1)}),
    ),
    "flink, one restart": (
        FLINK,
        Night(frozenset({"restarts"}), {f"{MASTER}_numRestarts": lambda at: 7 + (at > 25)}),
    ),
    "flink, a restart long ago": (
        FLINK,
        Night(curves={f"{MASTER}_numRestarts": lambda at: 7 + (at > 15)}),
    ),
    "flink, checkpoints fail": (
        FLINK,
        Night(
            frozenset({"checkpoints"}),
            {
                f"{MASTER}_numberOfFailedCheckpoints": growing(1),
                f"{MASTER}_numberOfCompletedCheckpoints": growing(2, until=15),
            },
        ),
    ),
    "flink, checkpoints have failed for six minutes": (
        FLINK,
        Night(
            frozenset({"checkpoints"}),
            {
                f"{MASTER}_numberOfFailedCheckpoints": lambda at: 1 + 2 * max(0, at - 24),
                f"{MASTER}_numberOfCompletedCheckpoints": growing(2, until=24),
            },
        ),
    ),
    "flink, one checkpoint of many fails": (
        FLINK,
        Night(curves={f"{MASTER}_numberOfFailedCheckpoints": growing(1)}),
    ),
    "flink, refused rows": (
        FLINK,
        Night(
            frozenset({"store"}),
            {f'{TASK}_feature_set_unstored{{feature_set="fraud"}}': lambda at: 3 + (at > 25)},
        ),
    ),
    "flink, a key in two partitions": (
        FLINK,
        Night(
            frozenset({"keys"}),
            {f'{TASK}_feature_set_key_conflicts{{feature_set="fraud"}}': lambda at: 3 + (at > 25)},
        ),
    ),
    "flink, lag grows": (
        FLINK,
        Night(frozenset({"lag"}), {f"{TASK}_pendingRecords": growing(250)}),
    ),
    "flink, lag is huge and falls": (
        FLINK,
        Night(curves={f"{TASK}_pendingRecords": lambda at: 900_000.0 - 1_000 * at}),
    ),
    "flink, a partition stands and is not idle": (
        FLINK,
        Night(
            frozenset({"watermark", "partitions", "age"}),
            {
                WINDOWS: behind(35, until=2),
                mark_of("transactions", 1): behind(35, until=2),
                offset_of("transactions", 1): growing(600, until=2),
            },
            holder="transactions/1",
        ),
    ),
    "flink, one is idle and another stands, though it brings records": (
        FLINK,
        Night(
            frozenset({"watermark", "partitions", "age"}),
            {
                WINDOWS: behind(30, until=10),
                mark_of("transactions", 0): behind(30, until=10),
                mark_of("transactions", 1): behind(35, until=2),
                offset_of("transactions", 1): growing(600, until=2),
            },
            holder="transactions/0",
        ),
    ),
    "flink, a partition is idle": (
        FLINK,
        Night(
            frozenset({"partitions"}),
            {
                mark_of("transactions", 1): behind(35, until=2),
                offset_of("transactions", 1): growing(600, until=2),
                WINDOWS: behind(30),
            },
        ),
    ),
    "flink, a partition has had no event yet": (
        FLINK,
        Night(
            frozenset({"watermark", "partitions"}),
            {
                WINDOWS: steady(NONE),
                mark_of("transactions", 1): steady(NONE),
                offset_of("transactions", 1): steady(-1),
            },
            holder="transactions/1",
        ),
    ),
    "flink, letters": (
        FLINK,
        Night(
            frozenset({"letters"}),
            {
                f'{TASK}_reason_feature_set_dead_letters{{reason="late",feature_set="fraud"}}': (
                    growing(70)
                )
            },
        ),
    ),
    "flink, old": (
        FLINK,
        Night(
            frozenset({"age"}),
            {
                WINDOWS: behind(1_000),
                **{mark_of("transactions", n): behind(1_000) for n in (0, 1)},
            },
        ),
    ),
    "flink, old and nothing comes": (
        FLINK,
        Night(
            curves={
                f'{TASK}_topic_consumed{{topic="transactions"}}': growing(1_200, until=2),
                WINDOWS: behind(35, until=2),
                **{mark_of("transactions", n): behind(35, until=2) for n in (0, 1)},
                **{offset_of("transactions", n): growing(600, until=2) for n in (0, 1)},
            },
        ),
    ),
    "processor, well": (PROCESSOR, Night()),
    "processor, refused rows": (
        PROCESSOR,
        Night(
            frozenset({"store"}),
            {'features_rows_unstored_total{cause="oom"}': lambda at: 3 + (at > 25)},
        ),
    ),
    "processor, a key in two partitions": (
        PROCESSOR,
        Night(frozenset({"keys"}), {"features_key_conflicts_total": lambda at: 3 + (at > 25)}),
    ),
    "processor, lag grows": (
        PROCESSOR,
        Night(frozenset({"lag"}), {of_processor("lag_records", 0): growing(250)}),
    ),
    "processor, a partition's clock stands": (
        PROCESSOR,
        Night(
            frozenset({"watermark", "age"}),
            {of_processor("watermark_timestamp_seconds", 1): in_s(behind(31, until=2))},
            holder="transactions/1",
        ),
    ),
    "processor, a partition is silent": (
        PROCESSOR,
        Night(
            frozenset({"partitions"}),
            {
                of_processor("watermark_timestamp_seconds", 1): in_s(behind(31, until=2)),
                of_processor("consumed_total", 1, feature_set="fraud"): growing(600, until=2),
            },
        ),
    ),
    "processor, letters": (
        PROCESSOR,
        Night(
            frozenset({"letters"}),
            {of_processor("records_total", 0, feature_set="fraud", verdict="late"): growing(70)},
        ),
    ),
    "processor, old": (
        PROCESSOR,
        Night(
            frozenset({"age"}),
            {of_processor("watermark_timestamp_seconds", n): in_s(behind(1_000)) for n in (0, 1)},
        ),
    ),
}


def curves_of(name: str) -> dict[str, Curve]:
    good, night = NIGHTS[name]
    assert night.curves.keys() <= good.keys(), "a metric that a good night has, too"
    return {**good, **night.curves}


@pytest.mark.parametrize("name", NIGHTS)
def test_health_tells(name: str) -> None:
    night = NIGHTS[name][1]
    curves, symptoms = curves_of(name), Symptoms()
    for minute in range(MINUTES + 1):
        lines = [f"{metric} {curve(minute)}\n" for metric, curve in curves.items()]
        page = MetricsPage.read("".join(lines))
        symptoms.add(Reading.of(60.0 * minute, page, 60_000.0 * minute))
    told = symptoms.troubles()
    assert told.keys() == night.told
    if night.holder is not None:
        assert night.holder in told["watermark"]


def test_prometheus_tells_the_same(tmp_path: Path) -> None:
    """Evaluate all nights at once: the tool's start takes longer than the rules."""
    rules = tmp_path / "alerts.yml"
    shutil.copy(ALERTS, rules)
    (tmp_path / "nights.yml").write_text(
        json.dumps(
            {
                "rule_files": [str(rules)],
                "evaluation_interval": "1m",
                "group_eval_order": ["numbers", "features"],
                "tests": [promtool_test(name) for name in NIGHTS] + OWN_TESTS,
            }
        )
    )
    run_promtool("test", "rules", str(tmp_path / "nights.yml"))


def promtool_test(name: str) -> dict[str, Any]:
    """Return a night in the form of `promtool test rules`."""
    night = NIGHTS[name][1]
    expected = [{"labels": f'{{alertname="{ALERT_OF[told]}"}}', "value": 1} for told in night.told]
    questions = [asked("count by (alertname) (count by (alertname, severity) (FIRING))", expected)]
    if night.holder is not None:
        topic, _, number = night.holder.partition("/")
        holder = [{"labels": f'{{topic="{topic}",partition="{number}"}}', "value": 1}]
        where = 'FIRING{alertname="FeaturesWatermarkStands"}'
        questions.append(asked(f"count by (topic, partition) ({where})", holder))
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {"series": metric, "values": " ".join(f"{curve(at):.3f}" for at in range(MINUTES + 1))}
            for metric, curve in curves_of(name).items()
        ],
        "promql_expr_test": questions,
    }


def asked(expression: str, samples: list[dict[str, Any]], minute: int = MINUTES) -> dict[str, Any]:
    """Return a question about the alerts that fire at a minute."""
    fires = 'alertstate="firing"'
    expression = expression.replace("FIRING{", f"ALERTS{{{fires},")
    return {
        "expr": expression.replace("FIRING", f"ALERTS{{{fires}}}"),
        "eval_time": f"{minute}m",
        "exp_samples": samples,
    }


def alone(name: str) -> list[dict[str, Any]]:
    return [{"labels": f'{{alertname="{name}"}}', "value": 1}]


OWN_TESTS: Final[list[dict[str, Any]]] = [
    {
        "name": "nobody reports",
        "interval": "1m",
        "input_series": [{"series": "up", "values": "0x30"}],
        "promql_expr_test": [asked("count by (alertname) (FIRING)", alone("FeaturesDown"))],
    },
    {
        "name": "the processor says that Redis is away",
        "interval": "1m",
        "input_series": [
            {"series": "features_processing_rate", "values": "1x30"},
            {"series": 'features_trouble{component="redis"}', "values": "_x25 1x5"},
            {"series": 'features_trouble{component="rows not stored"}', "values": "1x30"},
            {"series": 'features_trouble{component="key in two partitions"}', "values": "1x30"},
        ],
        "promql_expr_test": [
            asked("count by (alertname) (FIRING)", alone("FeaturesTrouble")),
            asked(
                "count by (component) (FIRING)",
                [{"labels": '{component="redis"}', "value": 1}],
            ),
        ],
    },
    {
        "name": "a job that has just begun reads one partition before the other",
        "interval": "1m",
        "input_series": [
            {"series": f"{MASTER}_numRestarts", "values": "0x30"},
            {"series": offset_of("transactions", 0), "values": "_x20 0+2000x10"},
            {"series": offset_of("transactions", 1), "values": "_x20 -1x4 0+2000x6"},
        ],
        "promql_expr_test": [
            asked("count by (alertname) (FIRING)", [], minute) for minute in range(20, MINUTES)
        ],
    },
    {
        "name": "two restarts wake nobody, whichever moments Prometheus sees",
        "interval": "7s",
        "input_series": [{"series": f"{MASTER}_numRestarts", "values": "0x200 1 2x60"}],
        "promql_expr_test": [
            asked(
                'count by (severity) (FIRING{alertname="FeaturesRestarting"})',
                [{"labels": '{severity="ticket"}', "value": 1}],
                minute,
            )
            for minute in range(25, MINUTES)
        ],
    },
    {
        "name": "a job that restarts again and again wakes somebody",
        "interval": "1m",
        "input_series": [{"series": f"{MASTER}_numRestarts", "values": "0x20 1+1x10"}],
        "promql_expr_test": [
            asked(
                'count by (severity) (FIRING{alertname="FeaturesRestarting"})',
                [{"labels": f'{{severity="{how}"}}', "value": 1} for how in ("page", "ticket")],
            )
        ],
    },
]
"""What `Symptoms` cannot see, because nothing is read, or tells in one way only."""


def test_every_alert_is_provoked() -> None:
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    provoked = {ALERT_OF[told] for _, night in NIGHTS.values() for told in night.told}
    assert provoked | {"FeaturesDown", "FeaturesTrouble"} == alerts


def run_promtool(*words: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool, which comes with Prometheus, is not installed")
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_settings_and_the_rules() -> None:
    run_promtool("check", "config", str(ALERTS.with_name("prometheus.yml")))
