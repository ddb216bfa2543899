"""Identity: one name for each person, that loses nothing and can be shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.intake.identity import LONGEST, alike, file_name, identity

NAMES = st.text(min_size=1) | st.binary(min_size=1).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)


@given(NAMES)
def test_any_name_can_be_shown_and_is_a_safe_file(name: str) -> None:
    shown = identity(name)
    assert shown.isprintable()
    assert shown == shown.strip()
    assert 0 < len(shown) <= LONGEST + 17
    assert shown.encode()
    assert set(file_name(name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
    )
    assert len(file_name(name)) < 64


@given(NAMES, NAMES)
def test_two_names_are_never_one_identity_nor_one_file(first: str, second: str) -> None:
    same = first == second
    assert (identity(first) == identity(second)) == same
    assert (file_name(first).lower() == file_name(second).lower()) == same


def test_names_that_a_lossy_form_would_merge_stay_apart() -> None:
    names = [
        "Ada", "ada", "Ada ", " Ada", "A\x00da", "A\x01da", "A\\u{0}da", "Ad\xe4", "Ada\u0308",
        "\udce9", "\udcea", "\\xe9", "a" * 120, "a" * 121, "\uff21da", "Ada\u200b", "Ada\u202e",
    ]  # fmt: skip
    assert len({identity(name) for name in names}) == len(names)
    assert len({file_name(identity(name)).lower() for name in names}) == len(names)


def test_names_that_a_person_takes_for_one_are_alike() -> None:
    for name in ("ada_lovelace", "\uff41da lovelace", "ADA-LOVELACE", "Ada\u200b Lovelace"):
        assert alike("Ada  Lovelace") == alike(name), name
    assert alike("M\xfcller") == alike("Mu\u0308ller")
    assert alike("!!") != alike("??")


def test_thousands_of_names_without_a_letter_have_a_file_each() -> None:
    names = [chr(number) for number in range(0x4E00, 0x4E00 + 5_000)]
    assert len({file_name(name) for name in names}) == len(names)
