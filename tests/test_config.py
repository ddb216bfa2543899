"""Settings: where they come from, and what a bad one is told."""

from __future__ import annotations

from dataclasses import fields

import pytest

from flink_jobs.config import Settings, SettingsError


@pytest.mark.parametrize("prefix", ["", " ", "a:b", "-a", "é", "a" * 101, "a/b"])
def test_a_prefix_that_no_topic_can_begin_with_is_one_sentence(prefix: str):
    with pytest.raises(SettingsError, match=r"^FEATURES_PREFIX"):
        Settings(features_prefix=prefix)


def test_defaults_are_those_of_the_contract() -> None:
    settings = Settings.load({})
    assert (settings.size_ms, settings.slide_ms) == (300_000, 60_000)
    assert (settings.bound_ms, settings.lateness_ms) == (30_000, 0)
    assert (settings.max_future_ms, settings.checkpoint_interval_ms) == (300_000, 30_000)
    assert (settings.kafka_servers, settings.redis_host) == ("localhost:9092", "localhost")
    assert (settings.redis_port, settings.metrics_port) == (6379, 8088)


def test_flag_wins_over_environment_wins_over_default() -> None:
    environ = {"REDIS_PORT": "1000", "METRICS_PORT": "2000"}
    settings = Settings.load(environ, redis_port="3000", metrics_port=None)
    assert (settings.redis_port, settings.metrics_port) == (3000, 2000)


def test_flag_of_nothing_is_a_value() -> None:
    assert Settings.load({"METRICS_PORT": "2000"}, metrics_port=0).metrics_port == 0


def test_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"REDIS_PORT": "", "REDIS_HOST": ""}) == Settings()


def test_other_variables_are_not_read() -> None:
    assert Settings.load({"redis_port": "1", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize("raw", ["five", "5.0", "1e3", "0x10", "5 min", "NaN"])
def test_no_whole_number_names_the_variable_and_the_remedy(raw: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load({"WINDOW_SIZE_MINUTES": raw})
    assert str(error.value) == (
        f"WINDOW_SIZE_MINUTES={raw!r} is not a whole number: unset it to use 5"
    )


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("REDIS_PORT", 1, 65_535),
        ("METRICS_PORT", 0, 65_535),
        ("WINDOW_SIZE_MINUTES", 1, 1_440),
        ("MAX_OUT_OF_ORDERNESS_SECONDS", 0, 86_400),
        ("ALLOWED_LATENESS_SECONDS", 0, 86_400),
    ],
)
def test_limits_are_inside(name: str, low: int, high: int) -> None:
    for good in (low, high):
        Settings.load({name: str(good)})
    for bad in (low - 1, high + 1):
        with pytest.raises(SettingsError) as error:
            Settings.load({name: str(bad)})
        assert str(error.value) == (
            f"{name}={bad} is out of range: choose a number from {low} to {high}"
        )


@pytest.mark.parametrize(
    ("name", "low"),
    [("WINDOW_SLIDE_SECONDS", 1), ("MAX_FUTURE_SECONDS", 0), ("CHECKPOINT_INTERVAL_MS", 10)],
)
def test_lower_limits_are_inside(name: str, low: int) -> None:
    Settings.load({name: str(low)})
    with pytest.raises(SettingsError, match=f"{name}={low - 1} is out of range: .* at least {low}"):
        Settings.load({name: str(low - 1)})


@pytest.mark.parametrize("slide", ["7", "301", "600"])
def test_slide_that_does_not_divide_the_window(slide: str) -> None:
    with pytest.raises(
        SettingsError, match=f"WINDOW_SLIDE_SECONDS={slide} does not divide .*5 min"
    ):
        Settings.load({"WINDOW_SLIDE_SECONDS": slide})


def test_slide_as_long_as_the_window_is_tumbling() -> None:
    settings = Settings.load({"WINDOW_SLIDE_SECONDS": "300"})
    assert settings.slide_ms == settings.size_ms


@pytest.mark.parametrize("name", ["KAFKA_SERVERS", "REDIS_HOST", "KAFKA_GROUP"])
def test_blank_text_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is empty: unset it"):
        Settings.load({name: "  "})


@pytest.mark.parametrize("value", [1.5, None])
def test_value_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="REDIS_PORT"):
        Settings(redis_port=value)  # type: ignore[arg-type]


def test_every_message_is_one_sentence() -> None:
    for setting in fields(Settings):
        if isinstance(setting.default, int):
            with pytest.raises(SettingsError) as error:
                Settings.load({setting.name.upper(): "-1"})
            assert setting.name.upper() in str(error.value)
            assert "\n" not in str(error.value)
