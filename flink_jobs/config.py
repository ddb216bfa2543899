"""The settings of the streaming system, from flags and environment variables.

Both executions read the same settings, so that both compute the same windows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from flink_jobs.errors import ForeseenError

_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class SettingsError(ForeseenError):
    """A setting that cannot be used. The text is one sentence that names setting and remedy."""


def _setting(default: int | str, minimum: int = 0, maximum: int | None = None) -> Any:  # noqa: ANN401
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum})


def _secret() -> Any:  # noqa: ANN401
    """Make a setting that may hold a password: no text shows its value, and it is no flag.

    Every user of a machine can read the flags of its processes.
    """
    return field(default="", repr=False, metadata={"secret": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a user may set. The environment variable is the field's name in capitals.

    A secret may also be in a file: the variable of its name with `_FILE` behind it names the file.
    Durations have their unit in the name. Both ends of a range are allowed values.

    Raises:
        SettingsError: A value is out of its range, or the slide does not divide the window.

    >>> Settings(window_slide_seconds=45)
    Traceback (most recent call last):
    ...
    flink_jobs.config.SettingsError: WINDOW_SLIDE_SECONDS=45 does not divide the window of 5 min: \
choose a slide that fits a whole number of times
    """

    kafka_servers: str = _setting("localhost:9092")
    kafka_group: str = _setting("features")
    kafka_properties_file: str = field(default="", metadata={"optional": True})
    features_prefix: str = _setting("features")
    redis_url: str = _secret()
    redis_host: str = _setting("localhost")
    redis_port: int = _setting(6379, minimum=1, maximum=65_535)
    window_size_minutes: int = _setting(5, minimum=1, maximum=1_440)
    window_slide_seconds: int = _setting(60, minimum=1)
    max_out_of_orderness_seconds: int = _setting(30, maximum=86_400)
    allowed_lateness_seconds: int = _setting(0, maximum=86_400)
    max_future_seconds: int = _setting(300)
    checkpoint_interval_ms: int = _setting(30_000, minimum=10)
    metrics_port: int = _setting(8088, maximum=65_535)

    def __post_init__(self) -> None:
        for setting in fields(self):
            _check_range(setting.name, getattr(self, setting.name), setting.metadata)
        if not _PREFIX.fullmatch(self.features_prefix):
            raise SettingsError(
                f"FEATURES_PREFIX={self.features_prefix!r} cannot begin the name of a topic: "
                "choose up to 100 letters, digits, dots, lines and underscores"
            )
        if self.size_ms % self.slide_ms:
            raise SettingsError(
                f"WINDOW_SLIDE_SECONDS={self.window_slide_seconds} does not divide the window of "
                f"{self.window_size_minutes} min: choose a slide that fits a whole number of times"
            )

    @classmethod
    def load(cls, environ: Mapping[str, str], **flags: str | int | None) -> Settings:
        """Read the settings: a flag wins over the environment, and that over the default.

        Args:
            environ: Environment variables; an empty value counts as unset.
            flags: Values by field name; None counts as unset.

        Raises:
            SettingsError: A value is no whole number or out of its range, or a secret's file cannot
                be read.

        >>> Settings.load({"REDIS_PORT": "6380", "METRICS_PORT": ""}, metrics_port=0).redis_port
        6380
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            raw = flags.get(setting.name)
            raw = environ.get(setting.name.upper()) or None if raw is None else raw
            if raw is None and "secret" in setting.metadata:
                raw = _from_file(setting.name, environ)
            if raw is not None:
                values[setting.name] = _parse(setting.name, raw, setting.default)
        return cls(**values)

    @property
    def size_ms(self) -> int:
        """Window size in milliseconds."""
        return self.window_size_minutes * 60_000

    @property
    def slide_ms(self) -> int:
        """Window slide in milliseconds."""
        return self.window_slide_seconds * 1_000

    @property
    def bound_ms(self) -> int:
        """Longest disorder waited for, in milliseconds of event time."""
        return self.max_out_of_orderness_seconds * 1_000

    @property
    def lateness_ms(self) -> int:
        """Allowed lateness in milliseconds of event time."""
        return self.allowed_lateness_seconds * 1_000

    @property
    def max_future_ms(self) -> int:
        """How far an event time may lie ahead of the broker's append time, in milliseconds."""
        return self.max_future_seconds * 1_000


def _from_file(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the secret in the file that the variable `…_FILE` names; None without the variable.

    White space at both ends is no part of a secret: editors end a file with a line end.
    """
    path = environ.get(f"{name.upper()}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(
            f"{name.upper()}_FILE={path} cannot be read ({reason}): name another file"
        ) from None


def _parse(name: str, raw: str | int, default: object) -> str | int:
    if default is MISSING or isinstance(default, str):
        return str(raw)
    try:
        return int(raw)
    except ValueError:
        raise SettingsError(
            f"{name.upper()}={raw!r} is not a whole number: unset it to use {default}"
        ) from None


def _check_range(name: str, value: object, limits: Mapping[str, Any]) -> None:
    if isinstance(value, str):
        if not value.strip() and "minimum" in limits:
            raise SettingsError(f"{name.upper()} is empty: unset it to use the default")
        return
    low, high = limits["minimum"], limits["maximum"]
    if not isinstance(value, int) or value < low or (high is not None and value > high):
        allowed = f"at least {low}" if high is None else f"from {low} to {high}"
        raise SettingsError(f"{name.upper()}={value} is out of range: choose a number {allowed}")
