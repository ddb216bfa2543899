"""Times: what course systems write has one meaning, or none is taken."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.errors import StudyError
from studykit.grading.intake.times import find_zone, parse_time

BERLIN = find_zone("Europe/Berlin")
UTC = timezone.utc


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T22:30Z",
        "2026-03-01T22:30:00+00:00",
        "2026-03-01T23:30:00.000+01:00",
        "2026-03-01T23:30+0100",
        "2026-03-01 22:30:00 UTC",
        "2026-03-01 22:30:00.000000000 Z",
        "2026-03-01 14:30:00 -0800",
        "1772404200",
        "1772404200.0",
        "1772404200000",
        "Sunday, 1 March 2026 23:30:00 o'clock CET",
        "Sunday, March 1, 2026 11:30:00 PM CET",
        "Sun, 01 Mar 2026 23:30:00 +0100",
    ],
)
def test_a_time_with_a_zone_is_one_moment(text: str) -> None:
    for zone in (None, BERLIN):
        found = parse_time(text, zone)
        assert found.earliest == found.latest == datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T23:30",
        "2026-03-01 23:30:00",
        "2026-03-01-23-30-00",
        "01.03.2026 23:30",
        "1.3.2026, 23:30:00",
        "Sunday, 1 March 2026, 11:30 PM",
        "Sonntag, 1. M\xe4rz 2026, 23:30",
        "Mar 1, 2026 at 11:30pm",
    ],
)
def test_a_time_without_a_zone_is_the_course_s_and_else_anywhere(text: str) -> None:
    assert parse_time(text, BERLIN).latest == datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    anywhere = parse_time(text)
    assert (anywhere.latest - anywhere.earliest).total_seconds() == 26 * 3_600
    assert anywhere.earliest <= datetime(2026, 3, 1, 22, 30, tzinfo=UTC) <= anywhere.latest


@pytest.mark.parametrize(
    "text",
    ["soon", "", "2026-03-01", "03/05/2026 10:00", "2026-13-01T00:00Z", "2026-02-30T00:00Z",
     "31.04.2026 10:00", "13:30 PM", "2026-03-01T25:00Z", "2026-03-01 10:00 CST", "1e300",
     "99999999999999", "2026-03-01T10:00:00+99:00", "late, says Canvas", "\x1b[2J", "0"],
)  # fmt: skip
def test_what_has_no_one_meaning_is_not_understood(text: str) -> None:
    assert parse_time(text, BERLIN) is None


def test_the_hour_that_comes_twice_is_two_moments() -> None:
    found = parse_time("25.10.2026 02:30", BERLIN)
    assert (found.latest - found.earliest).total_seconds() == 3_600


@given(st.text(max_size=40) | st.from_regex(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4} \d\d?:\d\d.*"))
def test_any_text_is_a_time_or_none(text: str) -> None:
    for zone in (None, BERLIN):
        parse_time(text, zone)


def test_a_zone_is_named_or_a_distance() -> None:
    assert datetime(2026, 7, 1, tzinfo=BERLIN).utcoffset().total_seconds() == 7_200
    assert datetime(2026, 7, 1, tzinfo=find_zone("-05:30")).utcoffset().total_seconds() == -19_800
    for name in ("Berlin/Europe", "", "../../etc/passwd", "+1"):
        with pytest.raises(StudyError, match="there is no zone"):
            find_zone(name)
